"""NVIDIA's library as it answers: an H200, a GPU without memory of its own, a MIG one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from xplatform.devices import nvidia
from xplatform.devices.device import Device
from xplatform.devices.nvidia import Nvidia, ours, read_nvml, read_smi
from xplatform.devices.plugin import Reading

GIB = 1024**3


class NVMLError(Exception):
    pass


class NotSupported(NVMLError):
    pass


class NotFound(NVMLError):
    pass


class NoPermission(NVMLError):
    pass


class InvalidArgument(NVMLError):
    pass


class GpuIsLost(NVMLError):
    pass


H200: dict[str, Any] = {
    "name": "NVIDIA H200",
    "uuid": "GPU-aa",
    "memory": SimpleNamespace(total=143771 * 1024**2, used=5 * GIB, free=0),
    "rates": SimpleNamespace(gpu=17, memory=3),
    "temperature": 41,
    "capability": (9, 0),
    "mig": (0, 0),
    "processes": [
        SimpleNamespace(pid=100, usedGpuMemory=3 * GIB),
        SimpleNamespace(pid=200, usedGpuMemory=1 * GIB),
    ],
}
#: shares the machine's memory, and says "not supported" to most
GB10: dict[str, Any] = {"name": b"NVIDIA GB10", "uuid": b"GPU-bb", "capability": (12, 1)}


class Library:
    """The face of ``pynvml`` that is used, with the names of its errors."""

    NVML_TEMPERATURE_GPU = 0
    NVML_DEVICE_MIG_ENABLE = 1
    NVMLError_NotSupported = NotSupported
    NVMLError_NotFound = NotFound
    NVMLError_NoPermission = NoPermission
    NVMLError_InvalidArgument = InvalidArgument

    def __init__(self, *gpus: dict[str, Any]) -> None:
        self._gpus = gpus

    def nvmlDeviceGetCount(self) -> int:
        return len(self._gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:
        return self._gpus[index]

    def nvmlDeviceGetName(self, gpu: Any) -> Any:
        return self._fact(gpu, "name")

    def nvmlDeviceGetUUID(self, gpu: Any) -> Any:
        return self._fact(gpu, "uuid")

    def nvmlDeviceGetMemoryInfo(self, gpu: Any) -> Any:
        return self._fact(gpu, "memory")

    def nvmlDeviceGetUtilizationRates(self, gpu: Any) -> Any:
        return self._fact(gpu, "rates")

    def nvmlDeviceGetTemperature(self, gpu: Any, sensor: int) -> Any:
        return self._fact(gpu, "temperature")

    def nvmlDeviceGetCudaComputeCapability(self, gpu: Any) -> Any:
        return self._fact(gpu, "capability")

    def nvmlDeviceGetMigMode(self, gpu: Any) -> Any:
        return self._fact(gpu, "mig")

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: Any) -> int:
        return len(gpu["parts"]) + 2

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: Any, number: int) -> Any:
        if number >= len(gpu["parts"]):
            raise NotFound
        return gpu["parts"][number]

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: Any) -> Any:
        return self._fact(gpu, "processes")

    def nvmlDeviceGetGraphicsRunningProcesses(self, gpu: Any) -> Any:
        return []

    def _fact(self, gpu: dict[str, Any], name: str) -> Any:
        if "lost" in gpu:
            raise GpuIsLost
        if name not in gpu:
            raise NotSupported
        return gpu[name]


def test_a_gpu() -> None:
    reading = read_nvml(Library(H200))
    assert reading.devices == (
        Device(
            id="cuda:0",
            kind="cuda",
            name="NVIDIA H200",
            uuid="GPU-aa",
            memory_total=143771 * 1024**2,
            memory_used=5 * GIB,
            utilization=17.0,
            temperature=41.0,
            capability="9.0",
        ),
    )
    assert reading.taken == {"cuda:0": {100: 3 * GIB, 200: 1 * GIB}}


def test_a_gpu_without_memory_of_its_own() -> None:
    reading = read_nvml(Library(H200, GB10))
    device = reading.devices[1]
    assert (device.id, device.index, device.name) == ("cuda:1", 1, "NVIDIA GB10")
    assert device.memory_total == psutil.virtual_memory().total
    assert (device.utilization, device.temperature, device.capability) == (None, None, "12.1")
    # Nobody knows who uses it, which is something else than "nobody does".
    assert "cuda:1" not in reading.taken


def test_processes_without_sizes_are_no_answer() -> None:
    """As in some containers."""
    gpu = {**H200, "processes": [SimpleNamespace(pid=100, usedGpuMemory=None)]}
    assert read_nvml(Library(gpu)).taken == {}


def test_mig_instances_are_devices_of_their_own() -> None:
    parts = [
        {
            "name": "NVIDIA H200 MIG 1g.18gb",
            "uuid": f"MIG-{number}",
            "memory": SimpleNamespace(total=16 * GIB, used=number * GIB, free=0),
            "processes": [],
        }
        for number in (1, 2)
    ]
    cut = {**H200, "mig": (1, 1), "parts": parts}
    reading = read_nvml(Library(cut, H200))
    assert [d.id for d in reading.devices] == ["cuda:0.0", "cuda:0.1", "cuda:1"]
    part = reading.devices[1]
    assert (part.uuid, part.memory_total, part.memory_used) == ("MIG-2", 16 * GIB, 2 * GIB)
    assert part.capability == "9.0"
    assert Nvidia().binding([part])["CUDA_VISIBLE_DEVICES"] == "MIG-2"


def test_a_lost_gpu_is_an_error_and_no_empty_machine() -> None:
    with pytest.raises(GpuIsLost):
        read_nvml(Library({"lost": True}))


def test_binding() -> None:
    devices = [Device("cuda:2", "cuda", index=2), Device("cuda:0", "cuda")]
    assert Nvidia().binding(devices) == {
        "CUDA_VISIBLE_DEVICES": "2,0",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    assert Nvidia().binding([])["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (None, ["cuda:0", "cuda:1"]),
        ("1", ["cuda:1"]),
        ("GPU-a", ["cuda:0"]),
        ("1, 0", ["cuda:0", "cuda:1"]),
        ("", []),
        ("-1", []),
    ],
)
def test_what_the_operator_leaves_it(given: str | None, left: list[str]) -> None:
    reading = read_nvml(Library(H200, {**H200, "uuid": "GPU-bb"}))
    environ = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
    assert [d.id for d in ours(reading, environ).devices] == left


SMI = """#!/bin/sh
echo '0, GPU-aa, NVIDIA H200, 143771, 5, 17, 41, 9.0'
echo '1, GPU-bb, NVIDIA GB10, [N/A], [N/A], [N/A], 44, 12.1'
echo 'a line that is none'
"""


def test_nvidia_smi(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    first, second = read_smi(str(program))
    assert (first.memory_total, first.memory_used) == (143771 * 1024**2, 5 * 1024**2)
    assert (first.utilization, first.temperature, first.capability) == (17.0, 41.0, "9.0")
    assert second.memory_total == psutil.virtual_memory().total
    assert second.utilization is None
    program.write_text("#!/bin/sh\nexit 9\n")
    with pytest.raises(Exception, match="exit status 9"):
        read_smi(str(program))


def test_without_a_library_the_program_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvidia, "has_library", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not Nvidia().present()
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    plugin = Nvidia()
    assert plugin.present()
    assert [d.id for d in plugin.read().devices] == ["cuda:0", "cuda:1"]
    assert plugin.read().taken == Reading().taken


def test_a_library_that_fails_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update of the driver the old handle answers no more."""
    monkeypatch.setattr(nvidia, "has_library", lambda: True)
    monkeypatch.setenv("PATH", "/nonexistent")
    plugin = Nvidia()
    opened: list[Library] = [Library({"lost": True}), Library(H200)]

    def start(self: Nvidia) -> Any:
        if self._nvml is None:
            self._nvml = opened.pop(0)
        return self._nvml

    monkeypatch.setattr(Nvidia, "_start", start)
    with pytest.raises(GpuIsLost):
        plugin.read()
    assert plugin.read().devices[0].name == "NVIDIA H200"


def test_names_of_the_real_library() -> None:
    """Whether or not there is a GPU here, the module has all that is called."""
    import pynvml

    for name in vars(Library):
        if not name.startswith("_"):
            assert hasattr(pynvml, name), name
    assert callable(pynvml.nvmlInit)
