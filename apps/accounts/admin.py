"""Users and API keys in Django's admin. Every change goes through ``api`` or is told by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from apps.accounts import api
from apps.accounts.models import ApiKey, User

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _UserAdmin = DjangoUserAdmin[User]
    _KeyAdmin = admin.ModelAdmin[ApiKey]
    _KeyForm = forms.ModelForm[ApiKey]
else:
    _UserAdmin, _KeyAdmin, _KeyForm = DjangoUserAdmin, admin.ModelAdmin, forms.ModelForm


@admin.register(User)
class UserAdmin(_UserAdmin):
    """A user's keys follow their state and rights, so each change is told."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        api.keys_changed()

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        super().delete_model(request, obj)
        api.keys_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        super().delete_queryset(request, queryset)
        api.keys_changed()


class NewKeyForm(_KeyForm):
    class Meta:
        model = ApiKey
        fields = ["name", "owner", "expires"]


@admin.register(ApiKey)
class ApiKeyAdmin(_KeyAdmin):
    form = NewKeyForm
    list_display = ["name", "prefix", "owner", "state", "created", "last_used", "expires"]
    list_filter = [("revoked", admin.EmptyFieldListFilter), "owner", "created"]
    search_fields = ["name", "prefix", "owner__username"]
    list_select_related = ["owner"]
    actions = ["revoke"]
    # The digest is nowhere: it is of no use to people.
    _shown = [
        "id",
        "name",
        "prefix",
        "owner",
        "state",
        "created",
        "last_used",
        "expires",
        "revoked",
    ]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self._shown if obj else ["name", "owner", "expires"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return self._shown if obj else []

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        # A key is made and revoked, never changed. The list, whose actions need it, may be seen.
        return obj is None and super().has_change_permission(request, obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk}

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool
    ) -> None:
        token, record = api.create_key(obj.name, owner_id=obj.owner_id, expires=obj.expires)
        # What the admin logs and links to is the row that was made.
        made = ApiKey.objects.get(pk=record.id)
        obj.__dict__.update(made.__dict__)
        messages.warning(request, f"The key of {obj.name!r}, shown this once: {token}")

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        super().delete_model(request, obj)
        api.keys_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        super().delete_queryset(request, queryset)
        api.keys_changed()

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        count = sum(bool(api.revoke_key(str(key.pk))) for key in queryset.filter(revoked=None))
        messages.success(request, f"{count} keys revoked.")
