"""Finds places for new replicas and makes them. Places are given out under one lock, so that two
launches never get the same memory."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import msgspec
from django.db.models import F
from django.utils import timezone

from apps.models import transitions
from apps.models.control import effects
from apps.models.control.making_room import Idle, make_room
from apps.models.control.peers import Peers
from apps.models.control.placement import Need, Place, Refusal, Room, place
from apps.models.control.rooms import idle_replicas, need_of, rooms
from apps.models.models import Event, Launch, Lease, Replica
from apps.models.orders import Placement
from apps.models.states import WANTED
from xplatform.engines.reason import Reason

#: it fits into so many nodes: the best of these will do
_ENOUGH = 32


class Placing:
    """Gives out places. ``lock`` goes before all else: it takes the one lock of all places until
    the transaction ends, so nobody may wait for a launch's lock after it.

    One may serve several transactions, one after the other. The nodes are read once for all of
    them, as long as nobody else gave out a place in between.
    """

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex
        #: who gave out the last place that is known here
        self._last: str | None = None

    def lock(self) -> None:
        Lease.objects.get_or_create(name="placement")
        lease = Lease.objects.select_for_update().get(name="placement")
        if lease.holder != self._last:
            self._read()
            self._last = lease.holder

    def _read(self) -> None:
        self._rooms = {room.name: room for room in rooms()}
        self._next = 0
        self._with_files: defaultdict[tuple[str, str], list[Room]] = defaultdict(list)
        for room in self._rooms.values():
            for source in room.cached:
                self._with_files[source].append(room)
        self._made: list[Replica] = []
        #: What had no place has none later: memory is only given out here.
        self._refused: dict[bytes, Refusal] = {}
        #: … nor does anybody's giving way help
        self._hopeless: set[bytes] = set()
        self._idle: list[Idle] | None = None

    def start(
        self,
        launch: Launch,
        count: int,
        replicas: Iterable[Replica],
        wish: Placement | None = None,
    ) -> Refusal | None:
        """So many more beside those that it has; a refusal: not all of them have a place.
        ``write`` has to follow."""
        replicas = [replica for replica in replicas if replica.state in WANTED]
        own = Counter(replica.node for replica in replicas if not replica.leaving)
        avoid = {replica.node for replica in replicas if replica.leaving} if wish is None else ()
        need = need_of(launch, wish, avoid)
        key = _key(need)
        for _ in range(count):
            found = self._refused.get(key) or place(need, self._order(need), own, _ENOUGH)
            if isinstance(found, Refusal):
                self._refused[key] = found
                return found
            own[found.node] += 1
            self._rooms[found.node].take(found)
            self._make(launch, found)
        return None

    def _order(self, need: Need) -> Iterator[Room]:
        """All nodes, those that have its files first, the others in turn."""
        have = self._with_files.get(need.source, ())
        yield from have
        rest = list(self._rooms.values())
        self._next = (self._next + 1) % max(1, len(rest))
        for room in chain(rest[self._next :], rest[: self._next]):
            if room not in have:
                yield room

    def make_room(
        self, launch: Launch, refusal: Refusal, replicas: Iterable[Replica]
    ) -> tuple[Idle, ...] | None:
        """Who has to go so that one more fits; none, when those that are ending are enough; None,
        when there is no way."""
        need = need_of(launch)
        key = _key(need)
        if not refusal.short or key in self._hopeless:
            return None
        if self._idle is None:
            self._idle = idle_replicas()
        own = Counter(r.node for r in replicas if r.state in WANTED and not r.leaving)
        short = [self._rooms[name] for name in refusal.short]
        others = [item for item in self._idle if item.uid != launch.model.uid]
        chosen = make_room(need, short, others, own)
        if chosen is None and len(others) == len(self._idle):
            self._hopeless.add(key)
        for item in chosen or ():
            self._idle.remove(item)
            self._rooms[item.place.node].ending.append(item.place)
        return chosen

    def write(self) -> None:
        if not self._made:
            return
        made, self._made = self._made, []
        Replica.objects.bulk_create(made)
        Lease.objects.filter(name="placement").update(holder=self._token)
        self._last = self._token
        # Most have one new replica, so this is one query.
        grown: defaultdict[int, list[int]] = defaultdict(list)
        for pk, count in Counter(replica.launch_id for replica in made).items():
            grown[count].append(pk)
        for count, pks in grown.items():
            Launch.objects.filter(pk__in=pks).update(last_epoch=F("last_epoch") + count)
        transitions.record_all(_event(replica) for replica in made)
        transitions.models_changed()
        peers = Peers()
        for replica in made:
            effects.start(replica.launch, replica, peers)

    def _make(self, launch: Launch, where: Place) -> None:
        launch.last_epoch += 1
        now = timezone.now()
        replica = Replica(
            launch=launch,
            node=where.node,
            devices=list(where.devices),
            memory=where.memory,
            host_memory=where.host,
            epoch=launch.last_epoch,
            created=now,
            changed=now,
            ordered=now,
        )
        self._made.append(replica)


def _key(need: Need) -> bytes:
    """The same for needs that fit into the same places."""
    return msgspec.json.encode(replace(need, source=("", "")))


def _event(replica: Replica) -> Event:
    why = Reason("on_node", f"on node {replica.node}", node=replica.node)
    if replica.devices:
        devices = tuple(replica.devices)
        text = f"{why} ({', '.join(devices)})"
        why = Reason("on_devices", text, node=replica.node, devices=devices)
    return Event(
        at=replica.created,
        who="control",
        uid=replica.launch.model.uid,
        project=replica.launch.model.project,
        subject=f"replica {replica.epoch}",
        node=replica.node,
        replica=replica.pk,
        before="",
        after=replica.state,
        why=str(why),
        why_told=why.told(),
    )
