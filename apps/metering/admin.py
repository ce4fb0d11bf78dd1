"""Limits, prices and usage in Django's admin: to be looked at. They are changed by ``/api``, which
checks, audits and tells the web processes."""

from __future__ import annotations

from django.contrib import admin

from apps.audit.in_admin import NeverChangedAdmin as ReadOnly
from apps.metering.models import Limit, Price, Usage, UsageBatch


@admin.register(Limit)
class LimitAdmin(ReadOnly):
    list_display = ["kind", "amount", "scope", "subject", "project", "model", "changed"]
    list_filter = ["kind", "scope", "project"]
    search_fields = ["subject", "model", "note"]


@admin.register(Price)
class PriceAdmin(ReadOnly):
    list_display = ["model", "input", "cached", "output", "request", "changed"]
    search_fields = ["model"]


@admin.register(Usage)
class UsageAdmin(ReadOnly):
    list_display = [
        "begin", "daily", "project", "user", "key", "model", "requests", "errors",
        "prompt_tokens", "completion_tokens",
    ]  # fmt: skip
    list_filter = ["daily", "project", "model"]
    search_fields = ["key", "user", "project", "model"]
    date_hierarchy = "begin"


@admin.register(UsageBatch)
class UsageBatchAdmin(ReadOnly):
    list_display = ["id", "written"]
    list_filter = ["written"]
    search_fields = ["id"]
