"""Processor time and memory of a server's processes by role, read from ``/proc``."""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1

#: role → what its command line holds; the first that fits counts
_ROLES = (
    ("engine", "engines/__main__.py"),
    ("replica", " replica "),
    ("broker", "valkey-server"),
    ("web", " web "),
    ("control", " control "),
    ("node", " node-agent "),
    ("warden", " serve "),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of a span of time."""

    wall: float
    #: of the server's processes
    roles: dict[str, float]
    #: of the load generator
    client: float
    #: of everything else on the machine
    other: float

    @property
    def noise(self) -> float:
        """Part of the machine that others took: near 0, or the numbers say little."""
        return self.other / (self.wall * CORES)


class Meter:
    """Processor time from now until ``stop``. ``root`` 0: no server of ours."""

    def __init__(self, root: int = 0) -> None:
        self._root = root
        self._began = time.perf_counter()
        self._client = time.process_time()
        self._busy = _busy()
        self._roles = cpu(root)

    def stop(self) -> Usage:
        roles = {
            role: spent - self._roles.get(role, 0.0) for role, spent in cpu(self._root).items()
        }
        client = time.process_time() - self._client
        busy = _busy() - self._busy
        wall = time.perf_counter() - self._began
        return Usage(wall, roles, client, max(0.0, busy - client - sum(roles.values())))


def cpu(root: int) -> dict[str, float]:
    """Seconds by role so far. A process that has ended takes its seconds along."""
    seconds: dict[str, float] = {}
    for pid, role in tree(root).items():
        try:
            fields = _stat(pid)
        except OSError:
            continue
        seconds[role] = seconds.get(role, 0.0) + (int(fields[11]) + int(fields[12])) / _TICK
    return seconds


def memory_mb(root: int) -> dict[str, float]:
    """Proportional set size by role: pages that processes share count once in the sum."""
    sizes: dict[str, float] = {}
    for pid, role in tree(root).items():
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    sizes[role] = sizes.get(role, 0.0) + int(line.split()[1]) / 1024
        except OSError:
            continue
    return sizes


def tree(root: int) -> dict[int, str]:
    """The process and all below it, with their roles; replicas and engines with their model."""
    if not root:
        return {}
    children: dict[int, list[int]] = {}
    for pid in _pids():
        try:
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
        except OSError:
            continue
    found: dict[int, str] = {}
    waiting = [(root, "")]
    while waiting:
        pid, above = waiting.pop()
        found[pid] = role = role_of(pid, above)
        waiting.extend((child, role) for child in children.get(pid, ()))
    return found


def role_of(pid: int, above: str = "") -> str:
    """``web``, ``replica:demo``, ``engine:demo``, …"""
    line = command(pid)
    for role, words in _ROLES:
        if words in line:
            if role == "replica":
                return f"replica:{_model_of(line)}"
            return f"engine:{above.partition(':')[2]}" if role == "engine" else role
    # helpers of a process count with it
    return above or "other"


@functools.lru_cache(maxsize=256)
def _model_of(line: str) -> str:
    """The model of a replica, from the file that its node agent wrote for it."""
    try:
        return str(json.loads(Path(line.rsplit(maxsplit=1)[-1]).read_bytes())["model_uid"])
    except (OSError, ValueError, KeyError):
        return ""


def pids(root: int, role: str) -> list[int]:
    return [pid for pid, is_ in tree(root).items() if is_ == role]


def of_home(home: Path) -> dict[int, str]:
    """Every process that works for this home, orphans included."""
    mark = os.fsencode(home) + b"/"
    whole = b"XPLATFORM_HOME=" + os.fsencode(home) + b"\0"
    found = {}
    for pid in _pids():
        if pid == os.getpid():
            continue
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            environ = Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
        except OSError:
            continue
        if line and (mark in line or mark in environ or whole in environ):
            found[pid] = role_of(pid)
    return found


def children(pid: int) -> list[int]:
    return [other for other in tree(pid) if other != pid]


def alive(pid: int) -> bool:
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False


def command(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace") + " "


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/<pid>/stat`` from the state on; ProcessLookupError in OSError's family."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _busy() -> float:
    """Seconds that all processors of the machine have worked."""
    with open("/proc/stat") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    idle = values[3] + values[4]
    return (sum(values) - idle) / _TICK
