"""Limits, prices and usage for the other apps: nobody outside imports anything else of this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from apps.metering import ledger, rulebook
from apps.metering.collector import Collector
from apps.metering.estimates import Size, size
from apps.metering.gate import Gate, Reservation, Used
from xplatform.core.config import settings

__all__ = ["Gate", "Reservation", "Size", "Used", "make_gate", "size", "tidy"]


def make_gate(ask: Callable[[Callable[[], Any]], Awaitable[Any]]) -> Gate:
    """For one web process. ``ask`` runs a query in a thread."""
    return Gate(
        settings().channels_url,
        rulebook.read,
        ledger.used,
        Collector(ledger.write),
        ask,
        settings().web_processes,
    )


def tidy() -> None:
    """From time to time, by the control plane: old usage is summed up, then forgotten."""
    ledger.tidy(settings().usage_hourly_days, settings().usage_daily_days)
