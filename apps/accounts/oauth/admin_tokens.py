"""What OAuth gave out, in Django's admin: to look at and to revoke. Tokens and codes themselves
are shown to nobody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from oauth2_provider.models import get_device_grant_model

from apps.accounts.admin_logins import SuperusersLook
from apps.accounts.hints import keys_changed
from apps.audit import api as audit


class Given(SuperusersLook):
    list_display = ["id", "user", "application", "scope", "created", "expires"]
    list_filter = ["application", "created"]
    search_fields = ["user__username", "application__name", "scope"]
    list_select_related = ["user", "application"]
    date_hierarchy = "created"


class _Revocable(Given):
    actions = ["revoke"]
    _hidden = ("token", "token_checksum", "token_family")

    @admin.action(description="Revoke the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        found = list(queryset.select_related("user", "application"))
        with transaction.atomic():
            for token in found:
                about = {"user": str(token.user or ""), "application": str(token.application)}
                audit.record(
                    None, "oauth.revoke", self.opts.model_name or "", token.pk, before=about
                )
                token.revoke()
            keys_changed()
        messages.success(request, f"{len(found)} tokens revoked.")


class AccessTokenAdmin(_Revocable):
    pass


class RefreshTokenAdmin(_Revocable):
    list_display = ["id", "user", "application", "created", "revoked"]
    search_fields = ["user__username", "application__name"]


class IDTokenAdmin(Given):
    _hidden = ("jti",)


class GrantAdmin(Given):
    _hidden = ("code", "code_challenge", "nonce", "claims")


@admin.register(get_device_grant_model())
class DeviceGrantAdmin(SuperusersLook):
    list_display = ["id", "client_id", "user", "status", "scope", "expires"]
    list_filter = ["status"]
    search_fields = ["client_id", "user__username"]
    list_select_related = ["user"]
    _hidden = ("device_code", "user_code")
