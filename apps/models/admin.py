"""Django's admin for models, launches and what is observed. All of it is for looking: what is
wished for is changed by the actions, what is observed by nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model as DjangoModel
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.audit.in_admin import LookOnlyAdmin as LookOnly
from apps.models import api
from apps.models.models import (
    Demand,
    Event,
    JoinToken,
    Keepsake,
    Launch,
    Lease,
    MemorySample,
    Model,
    Node,
    Registration,
    Replica,
)
from apps.models.nodes import actions as node_actions
from apps.models.nodes import tokens
from apps.models.pictures import state_of
from xplatform.core.errors import PlatformError

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _Inline = admin.TabularInline[Replica, Launch]
else:
    _Inline = admin.TabularInline


class LaunchActions(LookOnly):
    """For lists whose rows lead to a launch."""

    actions = ["terminate", "relaunch"]
    uid: Callable[[Any], str]

    @admin.action(description="Terminate", permissions=["change"])
    def terminate(self, request: HttpRequest, queryset: QuerySet[DjangoModel]) -> None:
        self._each(request, queryset, api.terminate, "terminated")

    @admin.action(description="Start again, with new replicas", permissions=["change"])
    def relaunch(self, request: HttpRequest, queryset: QuerySet[DjangoModel]) -> None:
        self._each(request, queryset, api.relaunch, "started again")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[DjangoModel],
        action: Callable[[str, str], object],
        done: str,
    ) -> None:
        for uid in sorted({type(self).uid(row) for row in queryset}):
            try:
                action(uid, request.user.get_username())
            except PlatformError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, f"{uid}: {done}.")


@admin.register(Model)
class ModelAdmin(LaunchActions):
    uid = staticmethod(lambda model: model.uid)
    list_display = ["uid", "kind", "family", "engine", "model_path", "slots", "origin", "created"]
    list_filter = ["kind", "engine", "origin"]
    search_fields = ["uid", "family", "model_path"]
    date_hierarchy = "created"


class ReplicaInline(_Inline):
    model = Replica
    fields = (
        "epoch", "node", "devices", "state", "progress", "message", "pid", "created", "changed",
    )  # fmt: skip
    readonly_fields = fields
    ordering = ["-epoch"]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Launch)
class LaunchAdmin(LaunchActions):
    uid = staticmethod(lambda launch: launch.model.uid)
    list_display = [
        "model", "state", "desired", "wanted", "min_replicas", "max_replicas", "pinned", "failures",
        "reason", "last_called", "requested_by", "changed",
    ]  # fmt: skip
    list_filter = ["desired", "model__engine", "model__kind"]
    search_fields = ["model__uid", "reason", "requested_by"]
    list_select_related = ["model"]
    inlines = [ReplicaInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Launch]:
        return super().get_queryset(request).prefetch_related("replicas")

    @admin.display
    def state(self, launch: Launch) -> str:
        return state_of(launch, launch.replicas.all()).value


@admin.register(Replica)
class ReplicaAdmin(LaunchActions):
    uid = staticmethod(lambda replica: replica.launch.model.uid)
    actions = ["terminate", "relaunch"]
    list_display = [
        "launch", "epoch", "node", "devices", "state", "progress", "memory", "memory_peak",
        "message", "changed",
    ]  # fmt: skip
    list_filter = ["state", "node", "launch__model__engine"]
    search_fields = ["id", "launch__model__uid", "node", "message"]
    date_hierarchy = "created"
    list_select_related = ["launch__model"]


@admin.register(Node)
class NodeAdmin(LookOnly):
    actions = ["cordon", "drain", "uncordon"]
    list_display = ["name", "address", "state", "cordoned", "draining", "heartbeat", "version"]
    list_filter = ["state", "cordoned", "draining", "version"]
    search_fields = ["name", "address"]

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        # One that lives is told to leave, which takes more thought than a tick in a list.
        gone = obj is None or obj.state == Node.State.SILENT
        return gone and request.user.has_perm("models.delete_node")

    def delete_model(self, request: HttpRequest, obj: Node) -> None:
        # Its access to the broker goes with it.
        node_actions.remove(obj.name, request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        for node in queryset:
            try:
                self.delete_model(request, node)
            except PlatformError as error:
                self.message_user(request, f"{node}: {error.message}", messages.ERROR)

    @admin.action(description="Cordon: no new replicas", permissions=["change"])
    def cordon(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        self._each(request, queryset, node_actions.cordon)

    @admin.action(description="Drain: replicas move away", permissions=["change"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        self._each(request, queryset, node_actions.drain)

    @admin.action(description="Use again", permissions=["change"])
    def uncordon(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        self._each(request, queryset, node_actions.uncordon)

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Node],
        action: Callable[[str, str], object],
    ) -> None:
        for node in queryset:
            action(node.name, request.user.get_username())


@admin.register(JoinToken)
class JoinTokenAdmin(LookOnly):
    """Made by ``POST /api/join-tokens``, which can show the token."""

    actions = ["revoke"]
    list_display = ["name", "prefix", "created", "created_by", "expires", "revoked", "last_used"]
    list_filter = [("revoked", admin.EmptyFieldListFilter), "created"]
    search_fields = ["name", "prefix", "created_by"]
    exclude = ["digest"]

    @admin.action(description="Revoke, and cut off their machines", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[JoinToken]) -> None:
        for token in queryset:
            tokens.revoke_join_token(str(token.pk), request.user.get_username())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in super().get_readonly_fields(request, obj) if name != "digest"]


@admin.register(Event)
class EventAdmin(LookOnly):
    list_display = ["at", "uid", "subject", "before", "after", "who", "why"]
    list_filter = ["after", "node", "who", "at"]
    search_fields = ["uid", "subject", "node", "replica", "who", "why"]
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Lease)
class LeaseAdmin(LookOnly):
    list_display = ["name", "holder", "until", "round_at", "rounds_since"]
    search_fields = ["name", "holder"]


@admin.register(Registration)
class RegistrationAdmin(LookOnly):
    list_display = ["kind", "name", "version", "current", "owner", "shared", "created"]
    list_filter = ["kind", "current", "shared", "created"]
    search_fields = ["name", "owner"]


@admin.register(Demand)
class DemandAdmin(LookOnly):
    list_display = ["launch", "web", "at", "running", "waiting", "oldest_seconds"]
    search_fields = ["launch__model__uid", "web"]
    list_select_related = ["launch__model"]


@admin.register(Keepsake)
class KeepsakeAdmin(LookOnly):
    list_display = ["owner", "kind", "name", "uid", "changed"]
    list_filter = ["kind"]
    search_fields = ["owner", "name", "uid"]


@admin.register(MemorySample)
class MemorySampleAdmin(LookOnly):
    list_display = ["key", "ratio", "count", "changed"]
    search_fields = ["key"]
