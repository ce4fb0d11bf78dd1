"""A model that runs with other options from now on, under the same name.

Nothing is kept for it: the last event of that kind is the operation, and the launch's state says
how far it is. New replicas start beside the old ones, which drain.
"""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import Adapter, EventInfo, LaunchInfo, LaunchOrder, Placement
from apps.models.caller import caller
from apps.models.xinference.bodies import convert, read_body
from apps.models.xinference.engine_options import check_options, described
from apps.models.xinference.face import Face, documented, form, project, said
from apps.models.xinference.launches import running
from apps.models.xinference.names import engine_name
from xplatform.core.errors import Conflict, InvalidValue, Unsupported
from xplatform.files import Source

_EVENTS_SEARCHED = 500
_LONGEST_DRAIN = 3600
#: of a launch, beside the options of its engine
_OWN = {
    "slots": {"type": "integer", "minimum": 1},
    "context_length": {"type": "integer", "minimum": 1},
    "idle_seconds": {"type": "number"},
    "pinned": {"type": "boolean"},
}


class ReloadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_config: dict[str, Any]
    drain_timeout: float = 300
    python_executable: str | None = None


class Own(msgspec.Struct, frozen=True):
    slots: int | None = None
    context_length: int | None = None
    idle_seconds: float | None = None
    pinned: bool | None = None


_STATUS = form(
    operation_id="string",
    status={"type": "string", "enum": ["idle", "reloading", "ready", "error"]},
    stage="string",
    error={"type": "string", "nullable": True},
)


class ReloadFace(Face):
    @documented("How far the last reload is", answer=_STATUS)
    def get(self, request: Request, model_uid: str) -> Response:
        asks = caller(request)
        return said(_status(running(model_uid, asks.project)))

    @documented(
        "Run a model with other options",
        body=form("model_config", model_config="object", drain_timeout="number"),
        answer=_STATUS,
        status=202,
    )
    def post(self, request: Request, model_uid: str) -> Response:
        body, asks = read_body(request, ReloadBody), caller(request)
        info = running(model_uid, asks.project)
        if body.python_executable is not None:
            raise Unsupported(
                "python_executable", "", "Engines have environments that the server makes."
            )
        if not 0 < body.drain_timeout <= _LONGEST_DRAIN:
            raise InvalidValue(
                f"`drain_timeout` is {body.drain_timeout:g}; it must be from 0 to"
                f" {_LONGEST_DRAIN} seconds.",
                param="drain_timeout",
            )
        if not body.model_config:
            raise InvalidValue("`model_config` has nothing to change.", param="model_config")
        if _status(info)["status"] == "reloading":
            raise Conflict(f"{model_uid!r} is being reloaded already.", param="model_uid")
        changes = msgspec.structs.replace(changed(info, body.model_config), **asks.order())
        api.relaunch(model_uid, asks.name, changes, asks.project)
        asks = caller(request)
        return said(_status(running(model_uid, asks.project)), 202)


class ReloadConfigFace(Face):
    @documented(
        "What a reload may change, and the present values",
        answer=form(engine="string", model_config="object", parameters="object"),
    )
    def get(self, request: Request, model_uid: str) -> Response:
        info = running(model_uid, project(request))
        values = {name: getattr(info, name) for name in _OWN}
        return said(
            {
                "enabled": not info.built_in,
                "engine": engine_name(info.engine),
                "model_config": {
                    **{name: value for name, value in values.items() if value is not None},
                    **info.options,
                },
                "parameters": {**described(info.engine, info.kind), **_OWN},
                "hot_parameters": [],
                "can_upgrade_environment": False,
            }
        )


def order_of(info: LaunchInfo) -> LaunchOrder:
    """The order that would make this launch."""
    return LaunchOrder(
        uid=info.uid,
        kind=info.kind,
        family=info.family,
        family_version=info.family_version,
        engine=info.engine,
        size=info.size,
        format=info.format,
        quantization=info.quantization,
        model_path=info.model_path,
        source=msgspec.convert(info.source, Source) if info.source else None,
        slots=info.slots,
        context_length=info.context_length,
        options=info.options,
        environment=info.environment,
        packages=info.packages,
        adapters=msgspec.convert(info.adapters, tuple[Adapter, ...]),
        trust_remote_code=info.trust_remote_code,
        min_replicas=info.min_replicas,
        max_replicas=info.max_replicas,
        idle_seconds=info.idle_seconds,
        pinned=info.pinned,
        prewarm=info.prewarm,
        placement=msgspec.convert(info.placement, Placement),
        estimate=info.estimate,
        requested_by=info.requested_by,
    )


def changed(info: LaunchInfo, config: dict[str, Any]) -> LaunchOrder:
    """Its order with other values; null takes an option away."""
    own = convert({name: config[name] for name in _OWN if name in config}, Own, "model_config")
    set_here = {name: getattr(own, name) for name in _OWN if name in config}
    order = order_of(info)
    given = {name: value for name, value in config.items() if name not in _OWN}
    check_options(info.engine, {k: v for k, v in given.items() if k not in info.options})
    options = {**info.options, **given}
    options = {name: value for name, value in options.items() if value is not None}
    return msgspec.structs.replace(order, options=options, **set_here)


def _status(info: LaunchInfo) -> dict[str, Any]:
    last = _last_reload(info)
    if last is None:
        return {"status": "idle", "model_uid": info.uid}
    status = {"ready": "ready", "failed": "error", "stopped": "idle"}.get(info.state, "reloading")
    return {
        "operation_id": str(last.id),
        "model_uid": info.uid,
        "status": status,
        "stage": {"reloading": "loading"}.get(status, status),
        "started_at": last.at.timestamp(),
        "error": info.reason if status == "error" else None,
        "weights_reused": False,
    }


def _last_reload(info: LaunchInfo) -> EventInfo | None:
    found = [
        event
        for event in api.events(uid=info.uid, limit=_EVENTS_SEARCHED, project=info.project)
        if event.subject == "launch" and event.why.startswith(("relaunched by", "launched by"))
    ]
    return found[-1] if found and found[-1].why.startswith("relaunched by") else None
