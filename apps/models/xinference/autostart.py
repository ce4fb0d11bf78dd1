"""Models that start with the server.

Here every launch comes back by itself after a restart, so this list is kept in the launches: those
that were put on it (``prewarm``), which also start where they would else wait for a call.
"""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import LaunchInfo
from apps.models.caller import caller
from apps.models.xinference import describe
from apps.models.xinference.bodies import convert, read_object
from apps.models.xinference.face import Face, documented, form, list_of, project, said, who
from apps.models.xinference.ordering import launch, read_launch
from xplatform.core.errors import InvalidValue, NotFound

_TAG = "autostart"
_LIST = form(models=list_of({"type": "object"}))


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    launch: dict[str, Any]
    enabled: bool = True
    # How a launch that fails is tried again is the control plane's business, and the same for all.
    priority: int = 100
    max_retries: int = 3
    retry_interval_seconds: int = 30
    state: dict[str, Any] = {}


_OF_ENTRY = frozenset(Entry.__struct_fields__)


class AutostartFace(Face):
    @documented("Models that start with the server", tag=_TAG, answer=_LIST)
    def get(self, request: Request) -> Response:
        return said({"models": [_entry(info) for info in _listed(request)]})

    @documented(
        "Let a model start with the server",
        tag=_TAG,
        body=form("launch", launch="object", enabled={"type": "boolean", "default": True}),
        answer=_LIST,
    )
    def post(self, request: Request) -> Response:
        entry = _read(read_object(request))
        wish = read_launch(entry.launch, caller(request))
        if _runs(wish.order.uid, project(request)):
            api.set_prewarm(wish.order.uid, entry.enabled, who(request), project(request))
        elif entry.enabled:
            order = msgspec.structs.replace(wish.order, prewarm=True)
            launch(msgspec.structs.replace(wish, order=order, name_is_free=False))
        else:
            raise InvalidValue(
                f"`enabled` is false and {wish.order.uid!r} does not run: there is nothing to do.",
                param="enabled",
            )
        return said({"models": [_entry(info) for info in _listed(request)]})


class SummaryFace(Face):
    @documented("Their names", tag=_TAG, answer=_LIST)
    def get(self, request: Request) -> Response:
        return said(_summary(request))


class OneAutostartFace(Face):
    @documented("Do not start a model with the server", tag=_TAG, answer=_LIST)
    def delete(self, request: Request, model_uid: str) -> Response:
        try:
            api.set_prewarm(model_uid, False, who(request), project(request))
        except NotFound:
            pass  # not on the list either
        return said(_summary(request))


def _read(body: dict[str, Any]) -> Entry:
    """Either ``{"launch": {…}, "enabled": …}`` or a launch with those beside it."""
    if "launch" not in body and "model_name" in body:
        flat = {key: value for key, value in body.items() if key not in _OF_ENTRY}
        body = {key: value for key, value in body.items() if key in _OF_ENTRY} | {"launch": flat}
    return convert(body, Entry)


def _runs(uid: str, seen_by: str | None) -> bool:
    try:
        return bool(api.running_launch(uid, seen_by))
    except NotFound:
        return False


def _listed(request: Request) -> list[LaunchInfo]:
    own = project(request)
    return [info for info in api.launches(own) if info.prewarm and own in (None, info.project)]


def _summary(request: Request) -> dict[str, Any]:
    return {"models": [{"enabled": True, "model_uid": info.uid} for info in _listed(request)]}


def _entry(info: LaunchInfo) -> dict[str, Any]:
    return {
        "enabled": True,
        "launch": describe.order(info),
        "state": {"instance_status": describe.launch_state(info.state)},
    }
