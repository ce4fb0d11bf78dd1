"""Replicas of a model that runs: list, add, terminate one."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import LaunchInfo, Placement
from apps.models.caller import Caller, caller
from apps.models.xinference import describe
from apps.models.xinference.bodies import convert, read_body
from apps.models.xinference.face import Face, documented, form, list_of, project, said, who
from apps.models.xinference.launches import WAIT_READY, running, waits
from apps.models.xinference.names import engine_name, engine_of
from apps.models.xinference.placing import GpuCount, ReplicaConfig, placements
from apps.models.xinference.waiting import when_ready
from xplatform.core.errors import InvalidValue, NotFound

_REPLICA = form(replica_id="integer", replica_model_uid="string", worker_address="string")


class MoreBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    replica: int = 1
    replica_config: dict[str, Any] | list[dict[str, Any]] | None = None
    model_engine: str | None = None
    n_gpu: GpuCount | msgspec.UnsetType = msgspec.UNSET


class ReplicasFace(Face):
    @documented("Replicas of a model", answer=list_of({"type": "object"}))
    def get(self, request: Request, model_uid: str) -> Response:
        info = running(model_uid, project(request))
        return said([describe.replica(info, one) for one in describe.live(info)])

    @documented(
        "Add replicas",
        body=form(
            replica={"type": "integer", "default": 1},
            replica_config={"type": "object"},
            model_engine="string",
            n_gpu={"oneOf": [{"type": "integer"}, {"type": "string"}]},
        ),
        answer={**_REPLICA, "description": "Of several: {replica, replicas: [that]}."},
        query=[WAIT_READY],
    )
    def post(self, request: Request, model_uid: str) -> Response:
        wait = waits(request)
        more = read_body(request, MoreBody)
        before = running(model_uid, project(request))
        _check_engine(more, before)
        known = {one.id for one in before.replicas}
        _add(model_uid, more, caller(request))
        after = running(model_uid, project(request))
        new = [describe.replica(after, one) for one in describe.live(after) if one.id not in known]
        if more.replica == 1:
            # Without room for it now there is none yet; it comes as soon as there is.
            response = said(new[0] if new else {"replica_id": None, "status": "CREATING"})
        else:
            response = said({"replica": more.replica, "replicas": new})
        return when_ready(response, model_uid) if wait else response


class ReplicaFace(Face):
    @documented("Terminate one replica", answer=form(remaining_replicas="integer"))
    def delete(self, request: Request, model_uid: str, replica_id: int) -> Response:
        info = running(model_uid, project(request))
        found = next((one for one in describe.live(info) if one.epoch == replica_id), None)
        if found is None:
            there = ", ".join(str(one.epoch) for one in describe.live(info)) or "none"
            raise NotFound(
                f"{model_uid!r} has no replica {replica_id}; there are: {there}.",
                param="replica_id",
            )
        if info.wanted <= 1:
            api.terminate(model_uid, who(request), within=project(request))
            return said({"remaining_replicas": 0})
        after = api.remove_replica(model_uid, found.id, who(request), within=project(request))
        return said({"remaining_replicas": after.wanted})


def _check_engine(more: MoreBody, info: LaunchInfo) -> None:
    if more.model_engine and engine_of(more.model_engine) != info.engine:
        raise InvalidValue(
            f"`model_engine` {more.model_engine[:50]!r}: all replicas of {info.uid!r} have its"
            f" engine {engine_name(info.engine)}; launch the model a second time under another"
            " name for another engine.",
            param="model_engine",
        )


def _add(uid: str, more: MoreBody, asks: Caller) -> None:
    if more.replica < 1:
        raise InvalidValue(f"`replica` is {more.replica}; it must be at least 1.", param="replica")
    if more.replica_config is None:
        place = None
        if more.n_gpu is not msgspec.UNSET:
            place = Placement(count=more.n_gpu or None)
        api.add_replicas(uid, more.replica, place, asks.name, asks.project)
        return
    raw = more.replica_config
    configs = raw if isinstance(raw, list) else [raw] * more.replica
    if len(configs) != more.replica:
        raise InvalidValue(
            f"`replica_config` has {len(configs)} entries for {more.replica} replicas.",
            param="replica_config",
        )
    for place in placements(convert(configs, list[ReplicaConfig], "replica_config")):
        api.add_replicas(uid, 1, place, asks.name, asks.project)
