"""What is told of a slot of time, by one web process of a model and by one node of itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

#: times to the first token are counted by classes, each this much wider than the one before it
_WIDER = 1.2
_SHORTEST, _LONGEST = 0.001, 3600.0


class ModelPoint(msgspec.Struct, array_like=True):
    """Sums: whoever reads them divides by the slot's length. Fields are only ever added."""

    #: a name may go to another project, whose affair the old numbers are not
    project: str = ""
    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    #: over the beats of the slot
    running: int = 0
    waiting: int = 0
    #: class of the time to the first token → answers
    first: dict[int, int] = {}

    def add(self, other: ModelPoint) -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.running += other.running
        self.waiting += other.waiting
        for index, count in other.first.items():
            self.first[index] = self.first.get(index, 0) + count

    def note_first_token(self, seconds: float) -> None:
        index = time_class(seconds)
        self.first[index] = self.first.get(index, 0) + 1


class DevicePoint(msgspec.Struct, array_like=True):
    memory_used: int = 0
    memory_total: int = 0
    utilization: float | None = None
    temperature: float | None = None


class NodePoint(msgspec.Struct, array_like=True):
    """As it was last in the slot."""

    cpu: float | None = None
    memory_used: int = 0
    memory_total: int = 0
    disk_free: int | None = None
    disk_total: int | None = None
    devices: dict[str, DevicePoint] = {}


Models = dict[str, ModelPoint]

_encoder = msgspec.msgpack.Encoder()
_models = msgspec.msgpack.Decoder(Models)
_node = msgspec.msgpack.Decoder(NodePoint)


def encode(point: Mapping[str, ModelPoint] | NodePoint) -> bytes:
    return _encoder.encode(point)


def decode_models(data: bytes) -> Models:
    """Raises msgspec.MsgspecError."""
    return _models.decode(data)


def decode_node(data: bytes) -> NodePoint:
    """Raises msgspec.MsgspecError."""
    return _node.decode(data)


def total(points: Iterable[ModelPoint]) -> ModelPoint:
    whole = ModelPoint()
    for point in points:
        whole.add(point)
    return whole


def time_class(seconds: float) -> int:
    return round(math.log(min(max(seconds, _SHORTEST), _LONGEST), _WIDER))


#: class → seconds
_SECONDS = {
    index: float(f"{_WIDER**index:.3g}")
    for index in range(time_class(_SHORTEST), time_class(_LONGEST) + 1)
}


def quantiles(classes: Mapping[int, int], *shares: float) -> list[float | None]:
    """For rising shares, within ten percent, which is what the classes are apart; None: there was
    no answer."""
    found: list[float | None] = []
    if classes:
        whole, below = sum(classes.values()), 0
        for index in sorted(classes):
            below += classes[index]
            while len(found) < len(shares) and below >= shares[len(found)] * whole:
                found.append(_SECONDS.get(index))
    return found or [None] * len(shares)
