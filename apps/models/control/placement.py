"""Where a replica goes. Pure: filters leave candidates, scorers choose among them, and every
refusal has its reason. No clock, no database; ``rooms`` makes the picture.

A picture is made once for many placements: ``Room.take`` counts each replica against it, so that
two of them never get the same memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from apps.models.orders import Placement
from xplatform.engines.reason import Reason

#: what a refusal begins with, if there are nodes at all and if there are none
FITS_NOWHERE, NO_NODE = "It fits nowhere", "No node is up to run it"
_NOBODY = Reason("no_node_up", f"{NO_NODE}.")
#: nodes whose reasons a refusal tells one by one
_TOLD = 8


@dataclass(slots=True)
class Slot:
    """A device of a node, as placement counts with it."""

    id: str
    kind: str
    total: int = 0
    free: int = 0
    #: live replicas on it, and those of them that nobody knows the size of: such a one has it
    #: for itself
    owners: int = 0
    alone: int = 0

    @property
    def accelerator(self) -> bool:
        return self.kind != "cpu"


@dataclass(eq=False)
class Room:
    """A node, as placement counts with it."""

    name: str
    up: bool = True
    cordoned: bool = False
    draining: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    engines: frozenset[str] = frozenset()
    #: (hub, id) of what its cache has
    cached: frozenset[tuple[str, str]] = frozenset()
    #: replicas on it, of all launches
    load: int = 0
    #: places of replicas that are ending: counted still
    ending: list[Place] = field(default_factory=list)

    @cached_property
    def cpu(self) -> Slot | None:
        """None: the node does not tell its memory."""
        return next((slot for slot in self.slots if slot.kind == "cpu"), None)

    @cached_property
    def accelerators(self) -> dict[str, list[Slot]]:
        """By kind: those of one kind work together, others do not."""
        kinds: dict[str, list[Slot]] = {}
        for slot in self.slots:
            if slot.accelerator:
                kinds.setdefault(slot.kind, []).append(slot)
        return kinds

    def closed(self) -> Reason | None:
        if not self.up:
            return Reason("is_silent", "is silent")
        if self.cordoned:
            return Reason("is_cordoned", "is cordoned")
        return Reason("is_draining", "is being drained") if self.draining else None

    def take(self, place: Place) -> None:
        """Count a replica that was placed here."""
        self._count(place, 1)

    def give_back(self, place: Place) -> None:
        """The opposite: as if a replica had gone."""
        self._count(place, -1)

    def _count(self, place: Place, one: int) -> None:
        self.load += one
        for slot in self.slots:
            slot.free -= one * share(place, slot)
            if slot.id in place.devices:
                slot.owners += one
                slot.alone += one * place.alone


@dataclass(frozen=True, slots=True)
class Need:
    """What one replica of a launch asks of a node."""

    wish: Placement = field(default_factory=Placement)
    #: bytes on accelerators, all of them together; None or 0: nobody knows, so it gets them for
    #: itself
    device: int | None = None
    #: bytes of the machine's memory with and without an accelerator
    host: int = 0
    host_alone: int = 0
    #: kinds of devices that the engine can use; None: any
    kinds: frozenset[str] | None = None
    engine: str = ""
    #: (hub, id) of its files
    source: tuple[str, str] = ("", "")
    anyway: bool = False
    #: nodes that it is moved away from
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    node: str
    #: accelerators; empty: the processor
    devices: tuple[str, ...] = ()
    #: bytes on these together; without any, of the machine's memory
    memory: int = 0
    #: bytes of the machine's memory beside accelerators
    host: int = 0
    #: it has its accelerators for itself
    alone: bool = False


def share(place: Place, slot: Slot) -> int:
    """Bytes of this device that belong to a replica that is placed so."""
    if slot.id in place.devices:
        return place.memory // len(place.devices)
    if slot.accelerator:
        return 0
    return place.host if place.devices else place.memory


@dataclass(frozen=True)
class Refusal:
    #: node → why not
    reasons: Mapping[str, Reason]
    #: nodes on which only memory is short: there others could make room
    short: tuple[str, ...] = ()
    #: others are giving way: it is only a matter of time
    being_made: bool = False
    #: no node is up at all
    nobody: bool = False

    @cached_property
    def reason(self) -> Reason:
        if self.nobody:
            return _NOBODY
        # Where only memory is short is what people can do something about.
        names = sorted(self.reasons, key=lambda name: (name not in self.short, name))
        told = [_of_node(name, self.reasons[name]) for name in names[:_TOLD]]
        if more := len(names) - len(told):
            told.append(Reason("more_nodes", f"and {more} more nodes", count=more))
        text = f"{FITS_NOWHERE}: {'; '.join(map(str, told))}."
        return Reason("fits_nowhere", text, nodes=tuple(told))


def _of_node(name: str, why: Reason) -> Reason:
    return Reason("node_refuses", f"node {name} {why}", node=name, why=why)


def place(
    need: Need, rooms: Iterable[Room], own: Mapping[str, int], enough: int | None = None
) -> Place | Refusal:
    """``own``: how many replicas of the same launch a node has. ``enough``: the best of the first
    so many that it fits into will do, so that the cost does not grow with the cluster."""
    best: tuple[tuple[float | int | str | bool, ...], Room, tuple[Slot, ...]] | None = None
    reasons: dict[str, Reason] = {}
    short: list[str] = []
    nobody, candidates = True, 0
    for room in rooms:
        nobody = nobody and not room.up
        why = refuses(room, need)
        if why:
            reasons[room.name] = why
            continue
        found = _devices(room, need)
        if isinstance(found, Reason):
            reasons[room.name] = found
            short.append(room.name)
            continue
        score = _score(room, need, found, own.get(room.name, 0))
        if best is None or score < best[0]:
            best = score, room, found
        candidates += 1
        if candidates == enough:
            break
    if best is None:
        return Refusal(reasons, tuple(short), nobody=nobody)
    _, room, slots = best
    return _place(room, need, slots)


def refuses(room: Room, need: Need) -> Reason | None:
    """The filters that memory has no part in."""
    why = room.closed()
    if why:
        return why
    wish = need.wish
    if wish.nodes and room.name not in wish.nodes:
        return Reason("not_asked_for", "is not one of the nodes asked for")
    if room.name in need.avoid:
        return Reason("moved_away", "is the one that it is moved away from")
    for name, value in wish.labels.items():
        if room.labels.get(name) != value:
            return Reason("lacks_label", f"has no label {name}={value}", label=f"{name}={value}")
    if wish.devices:
        there = {slot.id for slot in room.slots}
        missing = [name for name in wish.devices if name not in there]
        if missing:
            has = ", ".join(sorted(there)) or "none"
            lacking = ", ".join(missing)
            text = f"has no device {lacking} (it has {has})"
            return Reason("lacks_device", text, device=lacking, has=has)
    kinds = {slot.kind for slot in room.slots} if need.kinds is not None else None
    if kinds and need.kinds is not None and kinds.isdisjoint(need.kinds):
        only = ", ".join(sorted(kinds))
        text = f"has only {only}, which {need.engine} cannot use"
        return Reason("unusable_devices", text, kinds=only, engine=need.engine)
    if isinstance(wish.count, int):
        there_are = max(map(len, _by_kind(room, need).values()), default=0)
        if there_are < wish.count:
            text = f"has {there_are} accelerators that it can use, not {wish.count}"
            return Reason("few_accelerators", text, has=there_are, needs=wish.count)
    return None


def _devices(room: Room, need: Need) -> tuple[Slot, ...] | Reason:
    """The accelerators that a replica would get, none for the processor; or what is short."""
    count = need.wish.count
    if count == "auto" and need.wish.devices and need.wish.devices != ("cpu",):
        count = len(need.wish.devices)
    if count is None:
        return _processor(room, need)
    chosen = _accelerators(room, need, 1 if count == "auto" else count)
    if isinstance(chosen, Reason) and count == "auto":
        on_cpu = _processor(room, need)
        if isinstance(on_cpu, Reason) and any(slot.accelerator for slot in room.slots):
            if chosen == on_cpu:
                return on_cpu
            text = f"{chosen}; on the processor: {on_cpu}"
            return Reason("nor_on_the_processor", text, why=chosen, processor=on_cpu)
        return on_cpu
    return chosen


def _accelerators(room: Room, need: Need, count: int) -> tuple[Slot, ...] | Reason:
    best: tuple[Slot, ...] | None = None
    shortage = Reason("no_accelerator", "has no accelerator that it can use")
    for slots in _by_kind(room, need).values():
        if len(slots) < count:
            continue
        each = -(-need.device // count) if need.device else None
        fits = [slot for slot in slots if need.anyway or _fits(slot, each)]
        if len(fits) < count:
            shortage = _short(slots, each, count)
            continue
        # The fullest that it fits into, so that the emptiest stay for what is large. One that
        # starts though it does not fit gets the emptiest.
        if len(fits) > 1:
            fits.sort(key=_free, reverse=need.anyway)
        if best is None or fits[0].free < best[0].free:
            best = tuple(fits[:count])
    if best is None:
        return shortage
    cpu = room.cpu
    if cpu is not None and need.host > cpu.free and not need.anyway:
        text = f"has {size(cpu.free)} of memory free, and it needs {size(need.host)} beside"
        return Reason("short_of_memory_beside", text, free=max(0, cpu.free), needs=need.host)
    return best


def _processor(room: Room, need: Need) -> tuple[Slot, ...] | Reason:
    if need.kinds is not None and "cpu" not in need.kinds and room.slots:
        text = f"has no accelerator that {need.engine} can use"
        return Reason("no_accelerator_for", text, engine=need.engine)
    cpu = room.cpu
    if cpu is not None and need.host_alone > cpu.free and not need.anyway:
        text = f"has {size(cpu.free)} of memory free, and it needs {size(need.host_alone)}"
        return Reason("short_of_memory", text, free=max(0, cpu.free), needs=need.host_alone)
    return ()


def _free(slot: Slot) -> int:
    return slot.free


def _fits(slot: Slot, each: int | None) -> bool:
    return slot.owners == 0 if each is None else each <= slot.free and not slot.alone


def _short(slots: Sequence[Slot], each: int | None, count: int) -> Reason:
    if each is None or any(slot.alone for slot in slots):
        text = f"has fewer than {count} accelerators that no other model has for itself"
        return Reason("accelerators_taken", text, count=count)
    free = tuple(_free_on(slot.id, max(0, slot.free)) for slot in slots)
    told = ", ".join(map(str, free))
    text = f"has free: {told}, and it needs {size(each)} on {_devices_text(count)}"
    return Reason("short_on_devices", text, free=free, needs=each, count=count)


def _free_on(device: str, free: int) -> Reason:
    return Reason("free_on_device", f"{device} {size(free)}", device=device, free=free)


def _devices_text(count: int) -> str:
    return "one device" if count == 1 else f"each of {count} devices"


def _by_kind(room: Room, need: Need) -> dict[str, list[Slot]]:
    """Accelerators that it may get."""
    kinds, chosen = room.accelerators, need.wish.devices
    if need.kinds is not None:
        kinds = {kind: slots for kind, slots in kinds.items() if kind in need.kinds}
    if chosen:
        kinds = {kind: [s for s in slots if s.id in chosen] for kind, slots in kinds.items()}
    return kinds


def _score(
    room: Room, need: Need, slots: tuple[Slot, ...], own: int
) -> tuple[float | int | str | bool, ...]:
    """The smallest is the best."""
    # The processor is shared: there replicas are better spread than packed.
    left = min(slot.free for slot in slots) if slots else 0
    return (
        need.wish.count == "auto" and not slots,
        own,
        need.source not in room.cached,
        need.engine not in room.engines,
        room.load if not slots else 0,
        -left if need.anyway else left,
        room.load,
        room.name,
    )


def _place(room: Room, need: Need, slots: tuple[Slot, ...]) -> Place:
    if not slots:
        return Place(room.name, (), need.host_alone)
    ids = tuple(sorted(slot.id for slot in slots))
    return Place(room.name, ids, need.device or 0, need.host, alone=not need.device)


def size(count: int) -> str:
    """Bytes as people read them."""
    if count < 1024**3:
        return f"{max(0, count) / 1024**2:.0f} MiB"
    return f"{count / 1024**3:.1f} GiB"
