"""The cluster as a whole: its machines, what they have, and its end."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import api as audit
from apps.models import api
from apps.models.api import NodeInfo
from apps.models.xinference import describe
from apps.models.xinference.face import Face, documented, form, list_of, project, query, said
from apps.models.xinference.placing import accelerators, devices
from apps.models.xinference.processes import warden
from xplatform import __version__
from xplatform.core.errors import Conflict
from xplatform.warden.client import WardenError

_MIB = 1 << 20
_TAG = "cluster"


class AuthFace(Face):
    """The first question of every client, before it sends its key."""

    authentication_classes = []

    @documented("Whether keys are needed", tag=_TAG, answer=form(auth="boolean"))
    def get(self, request: Request) -> Response:
        return said({"auth": True})


class VersionFace(Face):
    @documented(
        "The server's version",
        tag=_TAG,
        answer=form(version="string", **{"full-revisionid": {"type": "string", "nullable": True}}),
    )
    def get(self, request: Request) -> Response:
        return said({"version": __version__, "full-revisionid": None})


class InfoFace(Face):
    @documented(
        "Machines and what they have",
        tag=_TAG,
        answer=list_of({"type": "object"}),
        query=[query("detailed", "Load and memory, too.", OpenApiTypes.BOOL)],
    )
    def get(self, request: Request) -> Response:
        detailed = request.query_params.get("detailed", "").lower() in ("1", "true", "yes")
        nodes = [node for node in api.nodes() if node.state == "up"]
        supervisor = {
            "node_type": "Supervisor",
            "ip_address": request.get_host(),
            "gpu_count": 0,
            "gpu_vram_total": 0,
        }
        if detailed:
            supervisor |= _nothing()
        return said([supervisor, *(_worker(node, detailed) for node in nodes)])


class DevicesFace(Face):
    @documented("Accelerators of the machine that has most", tag=_TAG, answer={"type": "integer"})
    def get(self, request: Request) -> Response:
        return said(max((len(accelerators(node)) for node in api.nodes()), default=0))


class WorkersFace(Face):
    @documented("Machines and what runs on them", tag=_TAG, answer=list_of({"type": "object"}))
    def get(self, request: Request) -> Response:
        launches = api.launches(project(request))
        return said(
            [
                {
                    "work-ip": node.name,
                    "state": node.state,
                    "models": {
                        f"{info.uid}-{one.epoch}": describe.model(info)
                        for info in launches
                        for one in describe.live(info)
                        if one.node == node.name
                    },
                }
                for node in api.nodes()
            ]
        )


class SupervisorFace(Face):
    """Of the control plane there may be several, and none is called directly: this is where
    all of them are reached."""

    @documented("Where the control plane is reached", tag=_TAG, answer=form(supervisor_ip="string"))
    def get(self, request: Request) -> Response:
        return said({"supervisor_ip": request.get_host()})


class AddressFace(Face):
    @documented("Where the control plane is reached", tag=_TAG, answer={"type": "string"})
    def get(self, request: Request) -> Response:
        return said(request.get_host())


class ClustersFace(Face):
    @documented(
        "Stop the server of this machine, with all that it runs",
        tag=_TAG,
        answer=form(result="boolean"),
    )
    def delete(self, request: Request) -> Response:
        try:
            with transaction.atomic():
                audit.record(None, "cluster.stop", "service", "server")
                warden().shutdown()
        except WardenError:
            raise Conflict(
                "This web process was not started by `xplatform serve`, so whatever started it"
                " stops the server. Models are ended by terminating them."
            ) from None
        return said({"result": True})


def _worker(node: NodeInfo, detailed: bool) -> dict[str, Any]:
    found = accelerators(node)
    total = sum(device.memory_total for device in found)
    worker: dict[str, Any] = {
        "node_type": "Worker",
        "ip_address": node.name,
        "gpu_count": len(found),
        "gpu_vram_total": f"{total // _MIB}MiB" if total else 0,
    }
    if not detailed:
        return worker
    processor = next((device for device in devices(node) if device.kind == "cpu"), None)
    busy = [device.utilization for device in found if device.utilization is not None]
    cpus = node.devices.get("cpus")
    return worker | {
        "gpu_vram_total": total,
        "gpu_vram_available": sum(device.memory_free for device in found),
        "gpu_utilization": sum(busy) / len(busy) if busy else None,
        "cpu_count": cpus,
        "cpu_available": _idle(cpus, processor.utilization if processor else None),
        "mem_total": processor.memory_total if processor else None,
        "mem_used": processor.memory_used if processor else None,
        "mem_available": processor.memory_free if processor else None,
        "software_version": node.version,
    }


def _idle(cpus: Any, busy: float | None) -> float | None:
    return cpus * (1 - busy / 100) if isinstance(cpus, int) and busy is not None else None


def _nothing() -> dict[str, Any]:
    """The control plane runs no models; its machine is a worker, too, if it does."""
    return {
        "gpu_vram_available": 0,
        "gpu_utilization": None,
        "cpu_count": None,
        "cpu_available": None,
        "mem_total": None,
        "mem_used": None,
        "mem_available": None,
    }
