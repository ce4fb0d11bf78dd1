"""The audit in Django's admin: for looking, and only there."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.in_admin import NeverChangedAdmin as NeverChanged
from apps.audit.models import Entry, Head, Pruned


@admin.register(Entry)
class EntryAdmin(NeverChanged):
    list_display = [
        "at", "who", "action", "thing", "thing_id", "project", "outcome", "address", "count",
    ]  # fmt: skip
    list_filter = ["outcome", "at", "action", "project"]
    search_fields = ["who", "action", "thing_id", "why", "before", "after", "address", "request"]
    date_hierarchy = "at"
    show_full_result_count = False
    fields = [
        "id", "at", "who", "user", "key", "address", "action", "thing", "thing_id", "project",
        "was", "became", "outcome", "why", "request", "via", "count", "uid", "seq", "link",
        "signed_by", "signature",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "was", "became"]

    @admin.display(description="before")
    def was(self, entry: Entry) -> SafeString:
        return _readable(entry.before)

    @admin.display(description="after")
    def became(self, entry: Entry) -> SafeString:
        return _readable(entry.after)


@admin.register(Pruned)
class PrunedAdmin(NeverChanged):
    list_display = ["at", "up_to", "rows", "who", "link"]
    search_fields = ["who", "link"]
    date_hierarchy = "at"


@admin.register(Head)
class HeadAdmin(NeverChanged):
    list_display = ["seq", "link"]


def _readable(text: str) -> SafeString:
    shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else "-"
    return format_html("<pre>{}</pre>", shown)
