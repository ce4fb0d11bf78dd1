"""Rows of the summary, tables of raw numbers, and the JSON file."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench import processes

R = TypeVar("R")

#: others may take this part of the machine before a number counts as noisy
QUIET = 0.10


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: what was measured and what it must be. ``good`` None: could not be measured."""

    group: str
    what: str
    measured: str
    floor: str
    good: bool | None
    #: part of the machine that others took meanwhile
    noise: float = 0.0

    @property
    def verdict(self) -> str:
        if self.good is None:
            return "not measured"
        word = "met" if self.good else "NOT MET"
        return f"{word} (noisy)" if self.noise > QUIET else word


def quiet(results: Sequence[R], noise: Callable[[R], float]) -> list[R]:
    """The rounds that count: those in which nobody else worked, or all when there is none."""
    return [result for result in results if noise(result) <= QUIET] or list(results)


@dataclass(slots=True)
class Report:
    quick: bool
    #: how many seconds a round may wait for a machine without other work
    patience: float = 0.0
    rows: list[Row] = field(default_factory=list)
    #: raw numbers by group
    raw: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    def row(
        self,
        group: str,
        what: str,
        measured: str,
        floor: str,
        good: bool | None,
        noise: float = 0.0,
    ) -> None:
        row = Row(group, what, measured, floor, good, noise)
        self.rows.append(row)
        print(f"→ {what}: {measured}; floor {floor}: {row.verdict}\n", flush=True)

    def calm(self) -> None:
        """Wait until others have let the machine alone for a second, if we may."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            meter = processes.Meter()
            time.sleep(1.0)
            if meter.stop().noise <= QUIET:
                return

    def rounds(self, count: int, run: Callable[[int], R], noise: Callable[[R], float]) -> list[R]:
        """``count`` quiet rounds if that can be had with patience; else what came."""
        results: list[R] = []
        while len(results) < (3 * count if self.patience else count):
            self.calm()
            results.append(run(len(results)))
            if sum(noise(result) <= QUIET for result in results) >= count:
                break
        return results

    def skip(self, group: str, what: str, floor: str, why: str) -> None:
        self.row(group, what, why, floor, None)

    def summary(self) -> str:
        lines = [(row.what, row.measured, row.floor, row.verdict) for row in self.rows]
        return table("Summary", ("what", "measured", "floor", "verdict"), lines)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "began": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self.began)),
            "seconds": round(time.time() - self.began, 1),
            "quick": self.quick,
            "machine": {
                "cores": processes.CORES,
                "cpu": _cpu_model(),
                "system": platform.platform(),
                "python": platform.python_version(),
                "load_average": os.getloadavg(),
            },
            "rows": [
                {
                    "group": row.group,
                    "what": row.what,
                    "measured": row.measured,
                    "floor": row.floor,
                    "good": row.good,
                    "noise": round(row.noise, 3),
                }
                for row in self.rows
            ],
            "raw": self.raw,
        }
        path.write_text(json.dumps(content, indent=1) + "\n")


def table(title: str, columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as they need; numbers to the right."""
    cells = [[_cell(value) for value in line] for line in lines]
    widths = [max(len(row[i]) for row in [list(columns), *cells]) for i in range(len(columns))]
    right = [
        bool(lines) and all(isinstance(line[i], int | float) for line in lines)
        for i in range(len(columns))
    ]

    def draw(row: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()

    ruler = "  ".join("-" * width for width in widths)
    return "\n".join([f"\n{title}", draw(columns), ruler, *map(draw, cells)])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
