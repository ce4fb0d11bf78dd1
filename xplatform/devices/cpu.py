"""The processor, with the machine's memory, or what of it a container may use."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from xplatform.devices import cgroup
from xplatform.devices.device import Device
from xplatform.devices.plugin import Reading

#: reading sensors may go through firmware
_TEMPERATURE_EVERY = 15.0
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal")


class Processor:
    kind = "cpu"
    #: each time: it costs nothing
    every = 0.0

    def __init__(self) -> None:
        self._name = _name()
        self._temperature: float | None = None
        self._felt = -_TEMPERATURE_EVERY
        psutil.cpu_percent(None)  # from here on

    def present(self) -> bool:
        return True

    def read(self) -> Reading:
        machine, limit = psutil.virtual_memory(), cgroup.limits()
        total = min(machine.total, limit.memory or machine.total)
        free = machine.available
        if limit.memory_available is not None:
            free = min(free, limit.memory_available)
        device = Device(
            id="cpu",
            kind="cpu",
            name=self._name,
            memory_total=total,
            memory_used=max(0, total - free),
            utilization=psutil.cpu_percent(None),
            temperature=self._warmth(),
        )
        return Reading((device,))

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        return {}

    def _warmth(self) -> float | None:
        if time.monotonic() - self._felt > _TEMPERATURE_EVERY:
            self._felt = time.monotonic()
            self._temperature = _temperature()
        return self._temperature


def usable_cpus() -> int:
    """That this process may use: less than the machine has where it was given only some."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = psutil.cpu_count() or 1
    quota = cgroup.limits().cpus
    return max(1, min(count, round(quota)) if quota is not None else count)


def _temperature() -> float | None:
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    try:
        found = psutil.sensors_temperatures()
    except (OSError, ValueError):
        return None
    felt = [sensor.current for name in _SENSORS for sensor in found.get(name, ())]
    return max(felt, default=None)


def _name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
