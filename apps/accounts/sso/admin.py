"""Providers and whom they have told us about, in Django's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.hints import keys_changed
from apps.accounts.sso import providers
from apps.accounts.sso.models import SsoIdentity, SsoProvider
from apps.audit.api import record
from apps.audit.in_admin import AuditedAdmin
from xplatform.core.errors import PlatformError

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _Form = forms.ModelForm[SsoProvider]
else:
    _Form = forms.ModelForm


class ProviderForm(_Form):
    class Meta:
        model = SsoProvider
        exclude = ["created"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned is not None and not self.errors:
            for name, value in cleaned.items():
                if name != "client_secret":
                    setattr(self.instance, name, value)
            try:
                providers.check(self.instance)
            except PlatformError as error:
                raise forms.ValidationError(error.message) from None
        return cleaned


@admin.register(SsoProvider)
class SsoProviderAdmin(AuditedAdmin):
    recorded_by_actions = frozenset({"add", "change"})
    form = ProviderForm
    list_display = ["name", "title", "issuer", "enabled", "default"]
    list_filter = ["enabled"]
    search_fields = ["name", "title", "issuer"]

    def save_model(self, request: HttpRequest, obj: SsoProvider, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        done = "change" if change else "create"
        after = {"issuer": obj.issuer, "enabled": obj.enabled, "rules": obj.rules}
        who = request.user.get_username()
        record(who, f"sso_providers.{done}", "provider", obj.name, after=after)


@admin.register(SsoIdentity)
class SsoIdentityAdmin(AuditedAdmin):
    """To look at, and to part somebody here from somebody there."""

    list_display = ["subject", "provider", "user", "last_login"]
    list_filter = ["provider"]
    search_fields = ["subject", "user__username", "user__email"]
    list_select_related = ["provider", "user"]
    readonly_fields = [
        "subject",
        "provider",
        "user",
        "granted",
        "granted_superuser",
        "created",
        "last_login",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: SsoIdentity) -> None:
        super().delete_model(request, obj)
        keys_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SsoIdentity]) -> None:
        super().delete_queryset(request, queryset)
        keys_changed()
