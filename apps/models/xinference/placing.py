"""Xinference's words for where replicas go, as ours: workers, numbers of accelerators, indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from apps.models import api
from apps.models.api import NodeInfo, Placement
from xplatform.core.errors import InvalidRequest, InvalidValue
from xplatform.devices.device import Device

GpuCount = int | Literal["auto"] | None


class DeviceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    worker_ip: str
    n_gpu: GpuCount = "auto"
    gpu_idx: list[int] | None = None


class ReplicaConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    devices: list[DeviceConfig]
    #: a name for people; ours have their own
    replica_uid: str | None = None
    role: Literal["hybrid", "prefill", "decode"] = "hybrid"
    model_engine: str | None = None
    engine_config: dict[str, Any] = {}


def accelerators(node: NodeInfo) -> list[Device]:
    """Without the processor, in the order of their indexes."""
    return [device for device in devices(node) if device.kind != "cpu"]


def devices(node: NodeInfo) -> list[Device]:
    return msgspec.convert(node.devices.get("devices", []), list[Device])


def node_of(worker_ip: str, param: str = "worker_ip") -> NodeInfo:
    """A node by its name or its address, with or without a port. Raises InvalidValue."""
    nodes = api.nodes()
    host = worker_ip.rpartition(":")[0] or worker_ip
    for node in nodes:
        if worker_ip == node.name or node.address in (worker_ip, host):
            return node
    there = ", ".join(node.name for node in nodes)
    raise InvalidValue(
        f"`{param}` {worker_ip[:100]!r} is no node; there are: {there}.", param=param
    )


def placement(
    worker_ip: str | None, n_gpu: GpuCount, gpu_idx: Sequence[int] | None, replicas: int = 1
) -> Placement:
    """For all replicas of a launch: together they have the devices of ``gpu_idx``, each as many
    as the other."""
    if isinstance(n_gpu, int) and n_gpu < 0:
        raise InvalidValue(f"`n_gpu` is {n_gpu}; it must not be negative.", param="n_gpu")
    nodes = [node_of(worker_ip)] if worker_ip else []
    count = n_gpu or None
    if not gpu_idx:
        return Placement(nodes=tuple(node.name for node in nodes), count=count)
    if len(set(gpu_idx)) != len(gpu_idx):
        raise InvalidValue("`gpu_idx` names a device twice.", param="gpu_idx")
    if len(gpu_idx) % replicas:
        raise InvalidValue(
            f"`gpu_idx` has {len(gpu_idx)} devices, which {replicas} replicas cannot share evenly.",
            param="gpu_idx",
        )
    share = len(gpu_idx) // replicas
    if isinstance(count, int) and count not in (share, len(gpu_idx)):
        raise InvalidRequest(
            f"`n_gpu` is {count}, but `gpu_idx` gives each replica {share}.", param="n_gpu"
        )
    ids = _ids(nodes or api.nodes(), gpu_idx)
    return Placement(nodes=tuple(node.name for node in nodes), devices=ids, count=share)


def _ids(nodes: Sequence[NodeInfo], gpu_idx: Sequence[int]) -> tuple[str, ...]:
    """What the accelerators with these indexes are called, on any of the nodes."""
    found: dict[str, None] = {}
    for index in gpu_idx:
        ids = [d.id for node in nodes for d in accelerators(node) if d.index == index]
        if not ids:
            there = "; ".join(
                f"{node.name}: {', '.join(str(d.index) for d in accelerators(node)) or 'none'}"
                for node in nodes
            )
            raise InvalidValue(
                f"`gpu_idx` {index}: no node has such an accelerator. There are: {there}.",
                param="gpu_idx",
            )
        found |= dict.fromkeys(ids)
    return tuple(found)


def placements(configs: Sequence[ReplicaConfig], param: str = "replica_config") -> list[Placement]:
    """One for each replica."""
    found = []
    for number, config in enumerate(configs):
        if len(config.devices) != 1:
            raise InvalidValue(
                f"`{param}[{number}].devices` has {len(config.devices)} entries; a replica runs on"
                " one node.",
                param=f"{param}[{number}].devices",
            )
        if config.role != "hybrid":
            raise InvalidValue(
                f"`{param}[{number}].role` {config.role!r}: replicas here do both, prefill and"
                " decode.",
                param=f"{param}[{number}].role",
            )
        if config.model_engine or config.engine_config:
            raise InvalidValue(
                f"`{param}[{number}]`: all replicas of a launch have its engine and options; launch"
                " the model a second time under another name for others.",
                param=f"{param}[{number}]",
            )
        device = config.devices[0]
        found.append(placement(device.worker_ip, device.n_gpu, device.gpu_idx))
    return found
