"""Django's admin for webhooks: for looking, and for silencing one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.api import user_actor
from apps.audit.in_admin import LookOnlyAdmin
from apps.webhooks import actions
from apps.webhooks.models import Webhook


@admin.register(Webhook)
class WebhookAdmin(LookOnlyAdmin):
    list_display = [
        "name", "project", "url", "active", "attempts", "last_at", "last_status", "last_error",
        "delivered", "given_up",
    ]  # fmt: skip
    list_filter = ["active", "project"]
    search_fields = ["name", "url"]
    exclude = ["secret"]
    actions = ["silence"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Reading the field would open it.
        return [name for name in super().get_readonly_fields(request, obj) if name != "secret"]

    @admin.action(description="Tell it nothing any more", permissions=["change"])
    def silence(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        by = user_actor(int(request.user.pk or 0))
        for row in queryset.filter(active=True):
            actions.change(str(row.pk), by, {"active": False})
