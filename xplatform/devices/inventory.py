"""All devices of this machine, at any time and at once: drivers are asked in the background.

A driver may take long, or hang for ever with the GPU that it drives. Whoever asks for the
inventory gets the last answers; an old one is dropped after a minute, since what a hanging driver
has said is no place for a model.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from xplatform.core.config import ConfigError
from xplatform.devices.device import Device
from xplatform.devices.made_up import MadeUp
from xplatform.devices.plugin import Plugin, Reading, plugins

log = logging.getLogger(__name__)

#: how long the first look waits for all drivers together
FIRST_LOOK = 3.0
#: the answer of a driver that has been silent since is dropped
FORGET_AFTER = 60.0


class Watched:
    """One plug-in and its last answer."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self._reading = Reading()
        self._answered = self._asked = time.monotonic()
        self._busy = threading.Lock()
        self._first = threading.Event()
        self._complained = False

    def ask(self) -> None:
        """Refresh an answer that has become old, not here but in a thread. One at a time: while
        a driver hangs nothing piles up."""
        if self.plugin.every == 0:
            self._read()
            return
        now = time.monotonic()
        if (self._first.is_set() and now - self._asked < self.plugin.every) or self._busy.locked():
            return
        self._asked = now
        threading.Thread(target=self._read, name=f"devices {self.plugin.kind}", daemon=True).start()

    def wait(self, until: float) -> None:
        """For the first answer."""
        self._first.wait(max(0.0, until - time.monotonic()))

    def reading(self) -> Reading:
        silent = time.monotonic() - self._answered
        if self.plugin.every and silent > FORGET_AFTER + self.plugin.every:
            self._complain(f"gave no answer for {silent:.0f} s: its devices are not used")
            return Reading()
        return self._reading

    def _read(self) -> None:
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._reading = self.plugin.read()
            self._answered = time.monotonic()
            if self._complained:
                log.warning("the driver of %s devices answers again", self.plugin.kind)
            self._complained = False
        except Exception as error:
            self._complain(f"fails: {error!r}")
        finally:
            self._first.set()
            self._busy.release()

    def _complain(self, what: str) -> None:
        if not self._complained:
            log.error("the driver of %s devices %s", self.plugin.kind, what)
        self._complained = True


class Inventory:
    """``chosen``: the setting ``devices``. Thread-safe."""

    def __init__(self, chosen: str = "", kinds: Mapping[str, Plugin] | None = None) -> None:
        self._kinds = dict(plugins() if kinds is None else kinds)
        self._ids: frozenset[str] = frozenset()
        if _is_file(chosen):
            self._watched = [Watched(MadeUp(Path(chosen).expanduser()))]
        else:
            self._ids = _ids(chosen)
            self._watched = [Watched(p) for p in self._kinds.values() if p.present()]
        self._looked = False
        self._own_pids: frozenset[int] = frozenset()
        self._own_memory = 0
        self._bound: frozenset[str] = frozenset()
        #: device → what others used when none of ours had it
        self._before: dict[str, int] = {}

    def devices(self) -> list[Device]:
        """In milliseconds, except that the first look waits for drivers a few seconds."""
        readings = self._readings()
        found = [(device, reading) for reading in readings for device in reading.devices]
        return [
            msgspec.structs.replace(
                device, memory_foreign=self._foreign(device, reading.taken.get(device.id))
            )
            for device, reading in found
            if not self._ids or device.id in self._ids
        ]

    def own(self, pids: Iterable[int], memory: int, bound: Iterable[str]) -> None:
        """Which processes are replicas of this node, how much memory they hold for themselves
        alone, and which devices they were given: all else is foreign."""
        self._own_pids, self._own_memory = frozenset(pids), memory
        self._bound = frozenset(bound)

    def taken_by(self, pids: Collection[int]) -> int:
        """Bytes of all devices together that these processes hold, as drivers last told."""
        return sum(
            size
            for reading in self._readings()
            for by_pid in reading.taken.values()
            for pid, size in by_pid.items()
            if pid in pids
        )

    def binding(self, ids: Collection[str]) -> dict[str, str]:
        """Environment with which a process sees these devices and no other. Raises KeyError with
        the id of one that is not here."""
        here = {device.id: device for device in self.devices()}
        chosen = [here[name] for name in ids]
        kinds = [d.kind for d in chosen] + [d.kind for d in here.values()]
        environment: dict[str, str] = {}
        # The last of these in any case: an engine must not help itself while the driver is slow.
        for kind in dict.fromkeys([*kinds, "cuda"]):
            if (plugin := self._kinds.get(kind)) is not None:
                of_kind = [device for device in chosen if device.kind == kind]
                for name, value in plugin.binding(of_kind).items():
                    environment.setdefault(name, value)
        return environment

    def _readings(self) -> list[Reading]:
        for watched in self._watched:
            watched.ask()
        if not self._looked:
            until = time.monotonic() + FIRST_LOOK
            for watched in self._watched:
                watched.wait(until)
            self._looked = True
        return [watched.reading() for watched in self._watched]

    def _foreign(self, device: Device, taken: Mapping[int, int] | None) -> int:
        if device.kind in ("cpu", "metal"):
            return max(0, device.memory_used - self._own_memory)
        ours = [taken[pid] for pid in self._own_pids if pid in taken] if taken else []
        if ours:
            return max(0, device.memory_used - sum(ours))
        if device.id not in self._bound:
            self._before[device.id] = device.memory_used
            return device.memory_used
        # The driver does not tell whose it is (it counts processes in another namespace than a
        # container's, or tells nobody): what was used before ours came is foreign.
        return min(device.memory_used, self._before.get(device.id, 0))


def _is_file(chosen: str) -> bool:
    return "/" in chosen or chosen.endswith(".json")


def _ids(chosen: str) -> frozenset[str]:
    ids = [word.strip() for word in chosen.split(",") if word.strip()]
    for word in ids:
        if not word.replace(":", "").replace(".", "").replace("-", "").isalnum():
            raise ConfigError(
                f"devices is {chosen!r}: {word!r} is no id of a device, like cuda:0 or cpu, and no"
                " file, which has a slash or ends with .json."
            )
    return frozenset(ids)
