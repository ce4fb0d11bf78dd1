"""Logins and second factors in Django's admin: to look at, to end and to take away. What only the
server needs (secrets, digests, keys) is not shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.hints import keys_changed
from apps.accounts.models import (
    Authenticator,
    Login,
    Passkey,
    RecoveryCode,
    SpentChallenge,
    User,
)
from apps.accounts.models.stored_secrets import StoredSecret
from apps.accounts.second_factor.actions import remove_all
from apps.accounts.tokens.actions import end_all
from apps.audit import api as audit
from apps.audit.in_admin import LookOnlyAdmin, NeverChangedAdmin


class SuperusersLook(LookOnlyAdmin):
    """As all that gives or takes rights."""

    #: of no use to people
    _hidden: tuple[str, ...] = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and _is_superuser(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = super().get_readonly_fields(request, obj)
        return [name for name in names if name not in self._hidden]


@admin.register(Login)
class LoginAdmin(SuperusersLook):
    list_display = ["user", "state", "address", "client", "created", "refreshed", "expires", "why"]
    list_filter = [("ended", admin.EmptyFieldListFilter), "why", "created"]
    search_fields = ["user__username", "address", "client"]
    list_select_related = ["user"]
    date_hierarchy = "created"
    actions = ["log_out"]
    _hidden = ("newest",)

    @admin.action(description="Log out everywhere, all sessions too", permissions=["change"])
    def log_out(self, request: HttpRequest, queryset: QuerySet[Login]) -> None:
        users = User.objects.filter(pk__in=queryset.values("user"))
        for user in users:
            with transaction.atomic():
                end_all(user)
                audit.record(None, "login.end_all", "user", user.pk, why=user.username)
                keys_changed()
        messages.success(request, f"{len(users)} people are logged out.")


class SecondFactor(SuperusersLook):
    actions = ["take_away"]
    list_select_related = ["user"]

    @admin.action(
        description="Take all second factors of these people away", permissions=["change"]
    )
    def take_away(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        users = list(User.objects.filter(pk__in=queryset.values("user")))
        for user in users:
            with transaction.atomic():
                remove_all(user)
                audit.record(None, "second_factor.remove_all", "user", user.pk, why=user.username)
        messages.success(request, f"{len(users)} people log in with their password alone.")


@admin.register(Authenticator)
class AuthenticatorAdmin(SecondFactor):
    list_display = ["user", "created", "confirmed"]
    list_filter = [("confirmed", admin.EmptyFieldListFilter), "created"]
    search_fields = ["user__username"]
    _hidden = ("secret", "last_step")


@admin.register(Passkey)
class PasskeyAdmin(SecondFactor):
    list_display = ["user", "name", "host", "uses", "created", "last_used"]
    list_filter = ["host", "created"]
    search_fields = ["user__username", "name", "host"]
    _hidden = ("credential_id", "credential")


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(SuperusersLook):
    list_display = ["user", "created", "used"]
    list_filter = [("used", admin.EmptyFieldListFilter), "created"]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    _hidden = ("digest",)


@admin.register(SpentChallenge)
class SpentChallengeAdmin(NeverChangedAdmin):
    list_display = ["id", "expires"]
    list_filter = ["expires"]
    search_fields = ["id"]
    exclude = ["digest"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["id", "expires"]


@admin.register(StoredSecret)
class StoredSecretAdmin(SuperusersLook):
    """Entered by ``PUT /api/settings/secrets/{name}``, and shown to nobody."""

    list_display = ["name", "set_at", "set_by"]
    search_fields = ["name", "set_by"]
    _hidden = ("value",)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
