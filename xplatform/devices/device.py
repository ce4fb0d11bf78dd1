"""What a machine has to run models on: one form for every kind of device."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["cuda", "rocm", "metal", "cpu", "other"]


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    #: unique on its node: ``cpu``, ``cuda:0``, ``rocm:1``, ``metal``
    id: str
    kind: str
    name: str = ""
    index: int = 0
    uuid: str = ""
    #: bytes; the processor's is the machine's memory, Apple's is shared with it
    memory_total: int = 0
    memory_used: int = 0
    #: of ``memory_used``: what is not taken by processes of this node's replicas
    memory_foreign: int = 0
    #: percent and degrees Celsius; None: the driver does not tell
    utilization: float | None = None
    temperature: float | None = None
    #: what the driver calls its generation: "9.0" for CUDA
    capability: str = ""

    @property
    def memory_free(self) -> int:
        return max(0, self.memory_total - self.memory_used)
