"""Applications in Django's admin: to look at, to disable and to remove. They are made by
``/api/applications``, which shows their secret once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.oauth.models import Application
from apps.audit import api as audit
from apps.audit.in_admin import AuditedAdmin


class ApplicationAdmin(AuditedAdmin):
    list_display = ["name", "client_id", "project", "user", "authorization_grant_type", "disabled"]
    list_filter = ["authorization_grant_type", "client_type", "disabled", "project"]
    search_fields = ["name", "client_id", "user__username", "project__slug"]
    list_select_related = ["project", "user"]
    actions = ["disable"]
    #: the hash of the secret is of no use to people
    _shown = [
        "name",
        "client_id",
        "project",
        "user",
        "authorization_grant_type",
        "client_type",
        "redirect_uris",
        "post_logout_redirect_uris",
        "scopes",
        "disabled",
        "created",
        "updated",
    ]

    def get_fields(self, request: HttpRequest, obj: Application | None = None) -> Any:
        return self._shown

    def get_readonly_fields(
        self, request: HttpRequest, obj: Application | None = None
    ) -> list[str]:
        return [name for name in self._shown if name != "disabled"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Disable the selected applications", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        count = 0
        for application in queryset.filter(disabled=False):
            application.disabled = True
            with transaction.atomic():
                # Saved one by one: that tells the web processes.
                application.save()
                name = application.name
                audit.record(None, "application.disable", "application", application.pk, why=name)
            count += 1
        messages.success(request, f"{count} applications disabled.")
