"""How much memory replicas really take: each with its engine and all below."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from xplatform.devices import Inventory

log = logging.getLogger(__name__)

_EVERY = 3.0
#: Counting shared pages rightly walks a process's page tables: with models of many gigabytes that
#: takes a while, and no more than this share of the time goes into it.
_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes. ``private``: of ``resident``, what nobody else uses and no file could give again."""

    resident: int = 0
    private: int = 0
    device: int = 0
    pids: tuple[int, ...] = ()


class Meter:
    """Measures in a thread of its own; ``of`` is the last measure and costs nothing."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._taken: dict[int, Taken] = {}
        self._watched: Mapping[int, Collection[str]] = {}
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, replicas: Mapping[int, Collection[str]]) -> None:
        """The replicas that run: process id → devices that it was given."""
        new = bool(replicas.keys() - self._watched.keys())
        self._watched = dict(replicas)
        if replicas and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
            self._thread.start()
        elif not replicas:
            self._taken = {}
            self._inventory.own((), 0, ())
        if new:
            self._changed.set()

    def of(self, pid: int | None) -> Taken:
        return self._taken.get(pid or 0, Taken())

    def measure(self) -> None:
        watched = self._watched
        below = children()
        found: dict[int, Taken] = {}
        for pid in watched:
            pids = (pid, *descendants(pid, below))
            resident = private = 0
            for one in pids:
                sizes = resident_memory(one)
                resident, private = resident + sizes[0], private + sizes[1]
            device = self._inventory.taken_by(pids)
            found[pid] = Taken(resident, private, device, pids)
        self._taken = found
        self._inventory.own(
            (pid for taken in found.values() for pid in taken.pids),
            sum(taken.private for taken in found.values()),
            {device for devices in watched.values() for device in devices},
        )

    def _run(self) -> None:
        while True:
            self._changed.clear()
            began = time.monotonic()
            if self._watched:
                try:
                    self.measure()
                except Exception:
                    log.exception("memory of replicas")
            cost = time.monotonic() - began
            # A new replica grows quickly, but has nothing yet in its first moments.
            self._changed.wait(max(_EVERY, cost / _SHARE))
            if not self._watched:
                self._changed.wait()


def children() -> dict[int, list[int]]:
    """process id → processes below it, of the whole machine, in one pass."""
    found: dict[int, list[int]] = {}
    for pid in psutil.pids():
        if (parent := _parent(pid)) is not None:
            found.setdefault(parent, []).append(pid)
    return found


def descendants(pid: int, below: Mapping[int, list[int]]) -> list[int]:
    found = list(below.get(pid, ()))
    for child in found:
        found.extend(below.get(child, ()))
    return found


def resident_memory(pid: int) -> tuple[int, int]:
    """(resident, private) bytes; shared pages count by share where the system tells. (0, 0) for a
    process that is gone."""
    try:
        sizes = _sizes(Path(f"/proc/{pid}/smaps_rollup"))
        return sizes["Pss"], sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
    except (OSError, KeyError):
        pass
    try:
        sizes = _sizes(Path(f"/proc/{pid}/status"))
        return sizes["VmRSS"], sizes.get("RssAnon", 0) + sizes.get("RssShmem", 0)
    except (OSError, KeyError):
        pass
    try:
        resident = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0, 0
    return resident, resident


def _sizes(file: Path) -> dict[str, int]:
    """Lines like ``Pss:   1234 kB``."""
    sizes = {}
    for line in file.read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            sizes[name] = int(words[0]) * 1024
    return sizes


def _parent(pid: int) -> int | None:
    try:
        if os.path.exists("/proc/self/stat"):
            # The name before it may have blanks and brackets.
            stat = Path(f"/proc/{pid}/stat").read_text()
            return int(stat.rpartition(")")[2].split()[1])
        return psutil.Process(pid).ppid()
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
