"""Limits of the control group that this process is in: a container's memory is not its host's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: version 1 says "no limit" by a number near 2**63
_NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit."""

    memory: int | None = None
    #: of the group with the least room left
    memory_available: int | None = None
    cpus: float | None = None


def limits(
    root: Path = Path("/sys/fs/cgroup"), self_file: Path = Path("/proc/self/cgroup")
) -> Limits:
    """Of both versions, whichever is there; nothing where groups are unknown."""
    try:
        groups = [line.split(":", 2) for line in self_file.read_text().splitlines()]
    except OSError:
        return Limits()
    memory = available = cpus = None
    for _, controllers, path in (group for group in groups if len(group) == 3):
        for folder in _upwards(root, controllers, path):
            bound = _memory(folder)
            if bound is not None:
                total, free = bound
                memory = total if memory is None else min(memory, total)
                available = free if available is None else min(available, free)
            if (quota := _cpus(folder)) is not None:
                cpus = quota if cpus is None else min(cpus, quota)
    return Limits(memory, available, cpus)


def _upwards(root: Path, controllers: str, path: str) -> Iterator[Path]:
    """A process's group and all above it. Inside a container the path may be the host's, of which
    only the root is to be seen."""
    if not controllers:
        base = root
    elif {"memory", "cpu"} & set(controllers.split(",")):
        base = root / controllers
        if not base.exists():
            base = root / controllers.split(",", maxsplit=1)[0]
    else:
        return
    folder = base / path.lstrip("/")
    while folder != base and base in folder.parents:
        yield folder
        folder = folder.parent
    yield base


def _memory(folder: Path) -> tuple[int, int] | None:
    """(limit, what is left of it): cache that can be dropped counts as left."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        total = _number(folder / limit)
        if total is None or total >= _NO_LIMIT:
            continue
        used = (_number(folder / usage) or 0) - _stat(folder / "memory.stat", cache)
        return total, max(0, total - max(0, used))
    return None


def _cpus(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota, period = (
            str(_number(folder / f"cpu.cfs_{name}_us") or 0) for name in ("quota", "period")
        )
    if not quota.isdigit() or not period.isdigit() or not int(quota) or not int(period):
        return None
    return int(quota) / int(period)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _stat(file: Path, key: str) -> int:
    try:
        for line in file.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
