"""What of a family runs on the machines that are there, in which forms, and why the rest does not.

For people who look for a model: by size alone, as ``resolve`` chooses by; what else runs there now
is placement's business. A whole catalogue is looked over for one page, so verdicts are kept while
family and machines stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from apps.models.catalogue.choice import usual
from apps.models.catalogue.schema import Family, Spec
from apps.models.facts import Facts, Machine, expectation, facts_of_family, machine
from apps.models.models import Node
from apps.models.resolve import USABLE
from xplatform.core.config import settings
from xplatform.core.errors import MissingField
from xplatform.engines import rules
from xplatform.engines.reason import Reason
from xplatform.engines.registry import ENGINES
from xplatform.structs import Values

_ACCELERATORS: Final = ("cuda", "rocm", "metal")
#: verdicts of families that are gone are not kept for ever
_MOST_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Room:
    """Machines that are alike, as far as it matters here."""

    machine: Machine
    #: bytes of all its accelerators, and of its memory; None: it has not told
    device: int | None
    host: int | None


class EngineReason(msgspec.Struct, frozen=True):
    """Why these engines cannot run it, for other languages; `reason` has it in English."""

    engines: list[str]
    code: str
    params: Values


class Way(msgspec.Struct, frozen=True):
    """One form of a family: a size in a format and a quantization."""

    size: str
    active: str
    format: str
    quantization: str
    #: the one that is taken where nobody chooses
    usual: bool
    #: bytes of its files, or what its size lets expect; 0: nobody knows
    bytes: int
    #: nobody counted the bytes
    rough: bool
    #: that can run it here, the one that a launch takes first
    engines: list[str]
    #: bytes that one replica takes there; 0: nobody knows
    memory: int
    #: … of which this much on accelerators
    on_devices: int
    fits: bool
    #: why it does not run here
    reason: str
    reasons: list[EngineReason]


class Verdict(msgspec.Struct, frozen=True):
    """Of a whole family, each size in its usual quantization."""

    #: that runs it here; empty: none can
    engine: str
    #: those that fit; the smallest first
    sizes: list[str]
    #: bytes that the smallest form of them takes; 0: nobody knows
    memory: int
    fits: bool
    reason: str
    reasons: list[EngineReason]


def rooms_here() -> tuple[Room, ...]:
    """Of all nodes that are up, each kind once."""
    rows = Node.objects.filter(state=Node.State.UP).values("name", "devices", "engines", "labels")
    return tuple(dict.fromkeys(_room(dict(row)) for row in rows))


def ways(family: Family, rooms: Sequence[Room], *, all_of_them: bool = True) -> Iterator[Way]:
    """Every form; without ``all_of_them`` only the usual quantization of each spec."""
    for spec in family.specs:
        for name in spec.quantizations if all_of_them else (usual(spec.quantizations),):
            yield _way(family, spec, name, rooms)


class Verdicts:
    """Safe to use from several threads; two may do the same work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rooms: tuple[Room, ...] = ()
        #: by the family's own identity: an edited one is another object
        self._kept: dict[int, tuple[Family, Verdict]] = {}

    def of(self, family: Family, rooms: tuple[Room, ...], *, keep: bool = True) -> Verdict:
        """``keep``: not of one that is read anew each time, whose identity says nothing."""
        if not keep:
            return _verdict(list(ways(family, rooms, all_of_them=False)))
        with self._lock:
            if rooms != self._rooms or len(self._kept) > _MOST_KEPT:
                self._rooms, self._kept = rooms, {}
            kept = self._kept.get(id(family))
        if kept is not None:
            return kept[1]
        verdict = _verdict(list(ways(family, rooms, all_of_them=False)))
        with self._lock:
            if rooms == self._rooms:
                # The family is kept with it, so that its identity is nobody else's.
                self._kept[id(family)] = (family, verdict)
        return verdict


verdicts: Final = Verdicts()


def _room(row: dict[str, Any]) -> Room:
    devices = (row["devices"] or {}).get("devices") or []
    kinds = [(one.get("kind"), one.get("memory_total", 0)) for one in devices]
    return Room(
        # Its name and the versions of its engines make no difference, which ones it has does.
        machine=_nameless(machine(row)),
        device=_usable(size for kind, size in kinds if kind in _ACCELERATORS) if kinds else None,
        host=_usable(size for kind, size in kinds if kind == "cpu") if kinds else None,
    )


def _nameless(one: Machine) -> Machine:
    return Machine(
        system=one.system,
        devices=one.devices,
        capability=one.capability,
        engines=tuple((name, "") for name, _ in one.engines),
    )


def _usable(sizes: Iterator[int]) -> int:
    return int(sum(sizes) * USABLE)


def _way(family: Family, spec: Spec, quantization: str, rooms: Sequence[Room]) -> Way:
    facts = facts_of_family(family, spec, quantization)
    able: dict[str, list[Room]] = {}
    reasons: dict[Reason, dict[str, None]] = {}
    for engine in ENGINES:
        if engine == "fake":
            continue
        for room in rooms:
            reason = rules.why_not(engine, facts, room.machine)
            if reason is None:
                able.setdefault(engine, []).append(room)
            else:
                reasons.setdefault(reason, {})[engine] = None
    engines = sorted(able, key=lambda engine: not any(r.machine.has(engine) for r in able[engine]))
    memory, on_devices, fits = 0, 0, bool(engines)
    if engines:
        memory, on_devices, fits = _need(facts, engines[0], able[engines[0]])
        reasons = {}
    return Way(
        size=spec.size,
        active=spec.active,
        format=spec.format,
        quantization=quantization,
        usual=quantization == usual(spec.quantizations),
        bytes=facts.weight_bytes or 0,
        rough=quantization not in spec.weights,
        engines=engines,
        memory=memory,
        on_devices=on_devices,
        fits=fits,
        reason="; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items()),
        reasons=[EngineReason(list(names), **why.told()) for why, names in reasons.items()],
    )


def _need(facts: Facts, engine: str, rooms: Sequence[Room]) -> tuple[int, int, bool]:
    """(bytes, of them on accelerators, whether one of the rooms holds them)."""
    try:
        takes = expectation(facts, engine, settings().slots)
    except MissingField:
        return 0, 0, True  # a family whose makers tell no size: nothing speaks against it
    for room in rooms:
        if room.device and takes["device"] <= room.device and takes["host"] <= (room.host or 0):
            return takes["device"] + takes["host"], takes["device"], True
    alone = any(room.host is None or takes["host_alone"] <= room.host for room in rooms)
    return takes["host_alone"], 0, alone


def _verdict(found: Sequence[Way]) -> Verdict:
    fitting = [way for way in found if way.fits]
    able = [way for way in found if way.engines]
    if fitting:
        least = min(fitting, key=lambda way: way.memory)
        sizes = sorted({way.size for way in fitting if way.size}, key=float)
        return Verdict(fitting[0].engines[0], sizes, least.memory, True, "", [])
    if able:
        least = min(able, key=lambda way: way.memory)
        return Verdict(least.engines[0], [], least.memory, False, "", [])
    first = next((way for way in found if way.reason), None)
    return Verdict("", [], 0, False, first.reason if first else "", first.reasons if first else [])
