"""People, projects and keys in Django's admin: for superusers, since each of these gives rights.

Every change happens within ``changing_people``, which keeps the last superuser and the last
owners, or by an action.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

import apps.accounts.sso.admin  # noqa: F401  (a room of its own)
from apps.accounts import admin_logins  # noqa: F401  (its pages are registered with it)
from apps.accounts.actions import keys, projects, users
from apps.accounts.actions.guard import changing_people
from apps.accounts.actor import Actor
from apps.accounts.asking import actor_of
from apps.accounts.hints import keys_changed
from apps.accounts.models import ApiKey, Membership, Project, User
from apps.accounts.models.changes import Changes
from apps.audit.in_admin import AuditedAdmin, NeverChangedAdmin
from xplatform.core.errors import PlatformError

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _UserAdmin = DjangoUserAdmin[User]
    _Inline = admin.TabularInline[Any, Any]
    _KeyForm = forms.ModelForm[ApiKey]
else:
    _UserAdmin, _KeyForm = DjangoUserAdmin, forms.ModelForm
    _Inline = admin.TabularInline


class ForSuperusers(AuditedAdmin):
    """Permissions of Django's own would be a second matrix: whoever may change users could make
    themselves a superuser."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _guarded(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _guarded(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _guarded(request, super().changelist_view, *args, **kwargs)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def _guarded(request: HttpRequest, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if request.method != "POST":
        return view(request, *args, **kwargs)
    try:
        with changing_people():
            return _whole(view(request, *args, **kwargs))
    except PlatformError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(request.get_full_path())


def _whole(response: HttpResponse) -> HttpResponse:
    """Rendered while the transaction is open: what the page shows is what will be there."""
    render = getattr(response, "render", None)
    return render() if render else response


def _actor(request: HttpRequest) -> Actor:
    return actor_of(request)


@admin.register(User)
class UserAdmin(ForSuperusers, _UserAdmin):
    recorded_by_actions = frozenset({"delete"})
    list_display = ["username", "email", "is_active", "is_superuser", "is_staff", "last_login"]
    # Rights come from projects; Django's own permissions would do nothing.
    fieldsets = (
        (None, {"fields": ("username", "password", "must_change_password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser", "is_staff", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("groups",)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _guarded(request, self._change_password, *args, **kwargs)

    def _change_password(self, request: HttpRequest, id: str, *args: Any, **kwargs: Any) -> Any:
        answer = super().user_change_password(request, id, *args, **kwargs)
        if request.method == "POST" and answer.status_code == 302:
            user = users.password_was_set(int(id), by=_actor(request))
            update_session_auth_hash(request, user)
        return answer

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        users.delete_user(obj.username, by=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            users.delete_user(user.username, by=_actor(request))


admin.site.unregister(Group)


class GroupMemberships(_Inline):
    model = Membership
    fields = ["project", "role"]
    extra = 0


@admin.register(Group)
class GroupAdmin(ForSuperusers, DjangoGroupAdmin):
    fields = ["name"]
    inlines = [GroupMemberships]


class Members(_Inline):
    model = Membership
    fields = ["user", "group", "role"]
    autocomplete_fields = ["user", "group"]
    extra = 0


@admin.register(Project)
class ProjectAdmin(ForSuperusers):
    list_display = ["slug", "title", "created", "archived"]
    list_filter = [("archived", admin.EmptyFieldListFilter)]
    search_fields = ["slug", "title"]
    readonly_fields = ["created", "archived"]
    inlines = [Members]
    actions = ["archive", "restore"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "slug"] if obj else list(self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is archived: the audit and what was used speak of it

    @admin.action(description="Archive the selected projects", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            projects.archive_project(project.slug, by=_actor(request))

    @admin.action(description="Restore the selected projects", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            projects.restore_project(project.slug, by=_actor(request))


class NewKeyForm(_KeyForm):
    class Meta:
        model = ApiKey
        fields = ["name", "owner", "project", "expires"]


@admin.register(ApiKey)
class ApiKeyAdmin(ForSuperusers):
    recorded_by_actions = frozenset({"add"})
    form = NewKeyForm
    list_display = [
        "name", "prefix", "owner", "project", "state", "created", "last_used", "expires",
    ]  # fmt: skip
    list_filter = [("revoked", admin.EmptyFieldListFilter), "project", "owner", "created"]
    search_fields = ["name", "prefix", "owner__username", "project__slug"]
    list_select_related = ["owner", "project"]
    actions = ["revoke"]
    # The digest is nowhere: it is of no use to people.
    _shown = [
        "id", "name", "prefix", "owner", "project", "state", "scopes", "networks", "created",
        "last_used", "expires", "rotated_to", "valid_until", "revoked",
    ]  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self._shown if obj else ["name", "owner", "project", "expires"]

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
        token, record = keys.create_key(
            obj.name,
            owner_id=obj.owner_id,
            project=obj.project.slug if obj.project else None,
            expires=obj.expires,
            by=_actor(request),
        )
        # What the admin logs and links to is the row that was made.
        made = ApiKey.objects.get(pk=record.id)
        obj.__dict__.update(made.__dict__)
        messages.warning(request, f"The key of {obj.name!r}, shown this once: {token}")

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        super().delete_model(request, obj)
        keys_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        super().delete_queryset(request, queryset)
        keys_changed()

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        waiting = list(queryset.filter(revoked=None))
        for key in waiting:
            keys.revoke_key(str(key.pk), _actor(request))
        messages.success(request, f"{len(waiting)} keys revoked.")


@admin.register(Changes)
class ChangesAdmin(NeverChangedAdmin):
    """One row, which web processes look at."""

    list_display = ["number"]
