"""The server's processes, started anew one after the other: web, control plane, node agents.

Models go on running meanwhile, and requests wait for the moment that it takes. The warden of the
machine does it and remembers how far it is.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import api as audit
from apps.models import api
from apps.models.node.answers.agents import agent_service
from apps.models.nodes.ask import ask_node
from apps.models.xinference.bodies import read_body
from apps.models.xinference.face import Face, documented, form, list_of, said
from apps.models.xinference.placing import node_of
from xplatform.core.config import settings
from xplatform.core.errors import Conflict, InvalidValue, NotFound, PlatformError, Unsupported
from xplatform.warden.client import RestartReport, WardenAway, WardenClient, WardenError

_TAG = "cluster"
_LONGEST_ID = 100
_OPERATION = form(
    operation_id="string",
    status={"type": "string", "enum": ["draining", "starting", "succeeded", "failed"]},
)
_BODY = form(
    python_executable={"type": "string", "nullable": True},
    request_id={"type": "string", "nullable": True},
)


class RelaunchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    python_executable: str | None = None
    #: the same twice is one operation
    request_id: str | None = None


class _Relaunch(Face):
    """Of a service of this machine."""

    service: str

    def _begin(self, request: Request) -> Response:
        body = read_relaunch(request)
        try:
            report = warden().restart(self.service, body.request_id or "")
        except WardenAway:
            raise _unattended(self.service) from None
        except WardenError as error:
            raise Conflict(f"{error}.") from None
        audit.record(None, "cluster.restart", "service", self.service)
        return said(operation(report), 202)


class _Relaunches(Face):
    service: str

    def _all(self) -> list[RestartReport]:
        try:
            return [report for report in warden().restarts() if report.name == self.service]
        except WardenError:
            raise _unattended(self.service) from None

    def _one(self, operation_id: str) -> dict[str, Any]:
        for report in self._all():
            if report.id == operation_id:
                return operation(report)
        raise unknown(operation_id)


class ApiRelaunchFace(_Relaunch):
    service = "web"

    @documented("Start the web processes anew", tag=_TAG, body=_BODY, answer=_OPERATION, status=202)
    def post(self, request: Request) -> Response:
        return self._begin(request)


class ApiRelaunchesFace(_Relaunches):
    service = "web"

    @documented(
        "Restarts of the web processes",
        tag=_TAG,
        answer=list_of(_OPERATION),
        operation_id="v1_api_relaunches_list",
    )
    def get(self, request: Request) -> Response:
        return said([operation(report) for report in reversed(self._all())])


class OneApiRelaunchFace(_Relaunches):
    service = "web"

    @documented("How far a restart of the web processes is", tag=_TAG, answer=_OPERATION)
    def get(self, request: Request, operation_id: str) -> Response:
        return said(self._one(operation_id))


class SupervisorRelaunchFace(_Relaunch):
    service = "control"

    @documented("Start the control plane anew", tag=_TAG, body=_BODY, answer=_OPERATION, status=202)
    def post(self, request: Request) -> Response:
        return self._begin(request)


class SupervisorRelaunchesFace(_Relaunches):
    service = "control"

    @documented(
        "Restarts of the control plane",
        tag=_TAG,
        answer=list_of(_OPERATION),
        operation_id="v1_supervisor_relaunches_list",
    )
    def get(self, request: Request) -> Response:
        return said([operation(report) for report in reversed(self._all())])


class OneSupervisorRelaunchFace(_Relaunches):
    service = "control"

    @documented("How far a restart of the control plane is", tag=_TAG, answer=_OPERATION)
    def get(self, request: Request, operation_id: str) -> Response:
        return said(self._one(operation_id))


class WorkerRelaunchFace(Face):
    @documented(
        "Start a machine's node agent anew", tag=_TAG, body=_BODY, answer=_OPERATION, status=202
    )
    def post(self, request: Request, worker_address: str) -> Response:
        body = read_relaunch(request)
        node = node_of(worker_address, "worker_address")
        answer = ask_node(node.name, "agent.restart", {"request_id": body.request_id or ""})
        return said(_at(node.name, answer["restart"]), 202)


class WorkerRelaunchesFace(Face):
    @documented(
        "Restarts of node agents",
        tag=_TAG,
        answer=list_of(_OPERATION),
        operation_id="v1_worker_relaunches_list",
    )
    def get(self, request: Request) -> Response:
        return said(worker_restarts()[0])


class OneWorkerRelaunchFace(Face):
    @documented("How far a restart of a node agent is", tag=_TAG, answer=_OPERATION)
    def get(self, request: Request, operation_id: str) -> Response:
        found, silent = worker_restarts()
        for restart in found:
            if restart["operation_id"] == operation_id:
                return said(restart)
        # Perhaps it is the one that does not answer because it is restarted.
        raise silent or unknown(operation_id)


def warden() -> WardenClient:
    """Of this machine. Its calls raise WardenError."""
    return WardenClient(settings().sockets_path / "warden.sock")


def read_relaunch(request: Request) -> RelaunchBody:
    body = read_body(request, RelaunchBody)
    if body.python_executable is not None:
        raise Unsupported(
            "python_executable", "", "To run another version, start the server with it."
        )
    if body.request_id is not None and not 0 < len(body.request_id) <= _LONGEST_ID:
        raise InvalidValue(
            f"`request_id` has {len(body.request_id)} characters; allowed are 1 to {_LONGEST_ID}.",
            param="request_id",
        )
    return body


def worker_restarts() -> tuple[list[dict[str, Any]], PlatformError | None]:
    """Of all nodes that answer, newest first; and why one does not."""
    found: list[dict[str, Any]] = []
    silent: PlatformError | None = None
    for node in api.nodes():
        try:
            restarts = _here() if node.name == settings().node_name else None
            if restarts is None:
                restarts = ask_node(node.name, "agent.restarts", timeout=5.0)["restarts"]
        except PlatformError as error:
            silent = error
            continue
        found += [_at(node.name, restart) for restart in restarts]
    return sorted(found, key=lambda restart: -restart["created_at"]), silent


def _here() -> list[dict[str, Any]] | None:
    """This machine's warden answers while its agent is restarted; None: there is none."""
    try:
        name = agent_service(warden())
        return [asdict(one) for one in warden().restarts() if one.name == name]
    except WardenError:
        return None


def operation(report: RestartReport) -> dict[str, Any]:
    return {
        "operation_id": report.id,
        "service": report.name,
        "status": "succeeded" if report.status == "ready" else report.status,
        "created_at": report.started,
        "finished_at": report.finished,
        "error": report.error or None,
    }


def _at(node: str, restart: dict[str, Any]) -> dict[str, Any]:
    return {**operation(RestartReport(**restart)), "worker_address": node}


def unknown(operation_id: str) -> NotFound:
    return NotFound(f"There is no restart {operation_id[:100]!r}.", param="operation_id")


def _unattended(service: str) -> Conflict:
    return Conflict(
        f"The {service} process was not started by `xplatform serve`, so whatever started it"
        " restarts it."
    )
