"""What a replica is told at its start and later, and what it tells the control plane of a model."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.inference.replica.adapters import Asked
from xplatform.engines.protocol import Ready


class Spec(msgspec.Struct, frozen=True):
    """What the node agent wrote for this start of the replica."""

    replica_id: str
    epoch: int
    model_uid: str
    node: str
    engine: str
    engine_python: str
    model_path: str
    kind: str = "llm"
    slots: int = 4
    context_length: int | None = None
    options: dict[str, Any] = {}
    adapters: list[Asked] = []


class AdaptersOrder(msgspec.Struct, frozen=True):
    """``adapters`` of the control plane: all that the replica shall have from now on."""

    adapters: list[Asked]


adapters_order = msgspec.msgpack.Decoder(AdaptersOrder)


def info_of(ready: Ready, pid: int) -> dict[str, Any]:
    """What the control plane keeps of a loaded model."""
    return {
        "pid": pid,
        "kind": ready.kind,
        "slots": ready.slots,
        "context_length": ready.context_length,
        "capabilities": {
            "abilities": list(ready.capabilities.abilities),
            "parameters": list(ready.capabilities.parameters),
        },
        "details": ready.details,
    }
