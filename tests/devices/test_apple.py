"""Apple silicon by what its programs answer."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from xplatform.devices.apple import Apple

GIB = 1024**3
IOREG = (
    '+-o AGXAcceleratorG14X  <class AGXAcceleratorG14X>\n    {\n      "PerformanceStatistics" = '
    '{"In use system memory"=1064468480,"Device Utilization %"=37,"Renderer Utilization %"=36}\n'
)


def machine(gib: int, wired_mb: int | None = 0) -> Apple:
    def ask(*command: str) -> str:
        match command:
            case ("sysctl", "-n", "machdep.cpu.brand_string"):
                return "Apple M2 Max"
            case ("sysctl", "-n", "hw.memsize"):
                return str(gib * GIB)
            case ("sysctl", "-n", "iogpu.wired_limit_mb") if wired_mb is not None:
                return str(wired_mb)
            case ("ioreg", *_):
                return IOREG
        raise subprocess.CalledProcessError(1, command)

    return Apple(ask, "Darwin", "arm64")


@pytest.mark.parametrize(
    ("gib", "wired", "total"),
    [(96, 0, 72 * GIB), (24, 0, 16 * GIB), (96, 90_000, 90_000 * 1024**2), (96, None, 72 * GIB)],
)
def test_the_gpus_part_of_memory(gib: int, wired: int | None, total: int) -> None:
    plugin = machine(gib, wired)
    assert plugin.present()
    [device] = plugin.read().devices
    assert (device.id, device.kind, device.name) == ("metal", "metal", "Apple M2 Max")
    assert (device.memory_total, device.utilization) == (total, 37.0)


def test_memory_is_shared_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = machine(96)
    memory = psutil.virtual_memory()._replace(available=70 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    [device] = plugin.read().devices
    assert (device.memory_used, device.memory_free) == (2 * GIB, 70 * GIB)


@pytest.mark.parametrize(("system", "chip"), [("Linux", "aarch64"), ("Darwin", "x86_64")])
def test_elsewhere(system: str, chip: str) -> None:
    assert not Apple(lambda *_: "", system, chip).present()
