"""How our launches, replicas and events look in Xinference's words."""

from __future__ import annotations

from typing import Any

from apps.models.api import EventInfo, LaunchInfo, ReplicaInfo
from apps.models.states import LIVE, ReplicaState
from apps.models.xinference.names import (
    abilities_of,
    engine_name,
    launch_state,
    replica_state,
    size_shown,
    type_of,
)

__all__ = [
    "HIDDEN",
    "event",
    "instance",
    "launch_state",
    "live",
    "model",
    "order",
    "progress",
    "replica",
]

#: in the place of a value that may be secret
HIDDEN = "******"
#: beginnings of a node's messages while it prepares a replica, by Xinference's stages
_STAGES = (
    ("download", "downloading"),
    ("fetch", "downloading"),
    ("install", "installing_dependencies"),
)


def model(launch: LaunchInfo) -> dict[str, Any]:
    """What ``describe_model`` gives of a running model."""
    return {
        "model_type": type_of(launch.kind),
        "model_uid": launch.uid,
        "model_name": launch.family or launch.uid,
        "model_engine": engine_name(launch.engine),
        "model_ability": abilities_of(launch.kind, launch.abilities),
        "model_format": launch.format or None,
        "model_size_in_billions": size_shown(launch.size),
        "quantization": launch.quantization or None,
        "context_length": launch.context_length,
        "model_hub": launch.source.get("hub"),
        "revision": launch.source.get("revision") or None,
        "replica": launch.wanted,
        "state": launch.state,
    }


def instance(launch: LaunchInfo) -> dict[str, Any]:
    """What ``get_instance_info`` gives, with the replicas."""
    return {
        "model_name": launch.family or launch.uid,
        "model_uid": launch.uid,
        "model_version": version(launch),
        "model_ability": abilities_of(launch.kind, launch.abilities),
        "replica": launch.wanted,
        "status": launch_state(launch.state),
        "instance_created_ts": int(launch.created.timestamp()),
        "n_worker": 1,
        "error_message": launch.reason or None,
        "replica_statuses": [replica(launch, one) for one in live(launch)],
    }


def version(launch: LaunchInfo) -> str | None:
    """One size, format and quantization as one text; None for a bare path or repository."""
    if not launch.family:
        return None
    parts = [launch.family]
    if launch.kind == "llm":
        parts.append(f"{size_shown(launch.size) or ''}B")
    return "--".join([*parts, launch.format, launch.quantization])


def live(launch: LaunchInfo) -> list[ReplicaInfo]:
    found = [one for one in launch.replicas if ReplicaState(one.state) in LIVE]
    return sorted(found, key=lambda one: one.epoch)


def replica(launch: LaunchInfo, one: ReplicaInfo) -> dict[str, Any]:
    """A replica goes by its epoch, which no other of its launch ever has."""
    failed = one.state in (ReplicaState.FAILED, ReplicaState.LOST)
    return {
        "replica_id": one.epoch,
        "replica_model_uid": f"{launch.uid}-{one.epoch}",
        "replica_uid": one.id,
        "worker_address": one.node,
        "model_address": None,
        "accelerators": list(one.devices),
        "gpu_idx": _indexes(one),
        "status": replica_state(one.state),
        "created_ts": int(one.created.timestamp()),
        "error_message": one.message if failed else None,
    }


def _indexes(one: ReplicaInfo) -> list[int] | None:
    """``cuda:1`` → 1."""
    numbers = [device.rpartition(":")[2] for device in one.devices]
    return [int(number) for number in numbers if number.isdigit()] or None


def progress(launch: LaunchInfo) -> dict[str, Any]:
    """How far a launch is: the mean over its replicas."""
    replicas: list[dict[str, Any]] = [
        {
            "replica_id": one.epoch,
            "replica_model_uid": f"{launch.uid}-{one.epoch}",
            "worker_address": one.node,
            "progress": _share(one),
            "stage": _stage(one),
            "info": one.message or None,
            "updated_at": one.changed.timestamp(),
            "download_files": [],
        }
        for one in live(launch)
    ]
    if launch.state == "ready":
        stage, share = "completed", 1.0
    elif launch.state == "failed":
        stage, share = "error", launch.progress
    elif launch.state == "stopped":
        stage, share = "cancelled", 0.0
    elif replicas:
        stage = replicas[-1]["stage"]
        share = sum(_share(one) for one in live(launch)) / len(replicas)
    else:
        stage, share = "pending", 0.0
    return {
        "progress": share,
        "stage": stage,
        "info": launch.message or launch.reason or None,
        "download_files": [],
        "replicas": replicas,
    }


def _share(one: ReplicaInfo) -> float:
    return 1.0 if one.state == ReplicaState.READY else min(1.0, max(0.0, one.progress))


def _stage(one: ReplicaInfo) -> str:
    if one.state == ReplicaState.STARTING:
        text = one.message.lower()
        return next((stage for words, stage in _STAGES if text.startswith(words)), "launching")
    return {
        ReplicaState.SCHEDULED: "pending",
        ReplicaState.LOADING: "loading",
        ReplicaState.READY: "completed",
    }.get(ReplicaState(one.state), "cancelled")


def event(one: EventInfo) -> dict[str, Any]:
    bad = one.after in ("failed", "lost")
    change = f"{one.before} → {one.after}" if one.before else one.after
    why = f": {one.why}" if one.why else ""
    return {
        "event_type": "ERROR" if bad else "INFO",
        "event_ts": int(one.at.timestamp()),
        "event_content": f"{one.subject} {change}{why} ({one.who})",
    }


def order(info: LaunchInfo) -> dict[str, Any]:
    """What a client would send to launch it again, without what may be secret."""
    given: dict[str, Any] = {
        "model_uid": info.uid,
        "model_name": info.family or info.uid,
        "model_type": type_of(info.kind),
        "model_engine": engine_name(info.engine),
        "model_size_in_billions": size_shown(info.size),
        "model_format": info.format or None,
        "quantization": info.quantization or None,
        "model_path": info.model_path or None,
        "replica": info.max_replicas,
        "slots": info.slots,
        "context_length": info.context_length,
        "envs": dict.fromkeys(info.environment, HIDDEN) or None,
        "virtual_env_packages": list(info.packages) or None,
        **info.options,
    }
    return {name: value for name, value in given.items() if value is not None}
