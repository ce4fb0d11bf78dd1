"""Limits and prices as web processes hold them in memory. Two queries, never on a request's way."""

from __future__ import annotations

from apps.metering.models import Limit, Price
from apps.metering.prices import Price as PriceInMemory
from apps.metering.rules import Rule

Read = tuple[list[Rule], list[PriceInMemory]]


def read() -> Read:
    rules = [
        Rule(
            limit.pk, limit.kind, limit.amount, limit.scope, limit.subject, limit.project,
            limit.model,
        )
        for limit in Limit.objects.order_by("pk")
    ]  # fmt: skip
    prices = [
        PriceInMemory(price.model, price.input, price.cached, price.output, price.request)
        for price in Price.objects.all()
    ]
    return rules, prices
