"""Pages of Django's admin whose changes are recorded: the base of all of them.

Django's own log (LogEntry) is no part of the chain, goes with its user and knows no values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from apps.audit.context import acting
from apps.audit.recording import record

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class _Person:
    """Whoever is signed in to the admin."""

    key_id = project = ""

    def __init__(self, request: HttpRequest) -> None:
        self.name = request.user.get_username()
        self.user_id = request.user.pk
        self.address = str(request.META.get("REMOTE_ADDR", ""))


class AuditedAdmin(_Admin):
    """Adds, changes and deletions leave an entry in their transaction: the admin calls these hooks
    within it. A page whose changes go through an action, which records by itself, says so."""

    #: of "add", "change", "delete": what goes through an action, which records by itself
    recorded_by_actions: frozenset[str] = frozenset()

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        logged = super().log_addition(request, obj, message)
        self._record(request, "add", obj, str(logged.get_change_message()), after=_values(obj))
        return logged

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        before = getattr(obj, "_audit_before", None)
        logged = super().log_change(request, obj, message)
        # The rows beside it that were changed on the same page are in the message.
        said = str(logged.get_change_message())
        self._record(request, "change", obj, said, before=before, after=_values(obj))
        return logged

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, "delete", obj, "", before=_values(obj))
        return super().log_deletions(request, queryset)

    def get_actions(self, request: HttpRequest) -> Any:
        """Django deletes what is ticked outside of a transaction."""
        actions = super().get_actions(request)
        if found := actions.get("delete_selected"):
            actions["delete_selected"] = (transaction.atomic(found[0]), *found[1:])
        return actions

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found._audit_before = _values(found)
        return found

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # Its actions call actions of the platform, which know a name only.
        acting(_Person(request))
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        acting(_Person(request))
        return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        acting(_Person(request))
        return super().delete_view(request, *args, **kwargs)

    def _record(self, request: HttpRequest, what: str, obj: Any, said: str, **values: Any) -> None:
        if what not in self.recorded_by_actions:
            why = f"{obj}: {said}" if said else obj
            name = self.opts.model_name or ""
            record(_Person(request), f"admin.{what}", name, obj.pk, why=why, **values)


class LookOnlyAdmin(AuditedAdmin):
    """Nothing is added, changed or deleted by hand; the list's actions may be run by those who
    may change."""

    recorded_by_actions = frozenset({"add", "change", "delete"})

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]


class NeverChangedAdmin(LookOnlyAdmin):
    """Without actions, too."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _values(obj: Model) -> dict[str, Any]:
    """Foreign keys by their numbers; secrets are taken out by whoever records it."""
    values = {field.name: field.value_from_object(obj) for field in obj._meta.concrete_fields}
    for field in obj._meta.many_to_many:
        values[field.name] = sorted(getattr(obj, field.name).values_list("pk", flat=True))
    return values
