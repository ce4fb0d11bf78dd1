"""NVIDIA GPUs: through the driver's library (NVML), else through ``nvidia-smi``."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from xplatform.devices.device import Device
from xplatform.devices.plugin import Reading

_LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
_SMI_FIELDS = "index,uuid,name,memory.total,memory.used,utilization.gpu,temperature.gpu,compute_cap"
_MIB = 1024 * 1024


class Nvidia:
    kind = "cuda"
    every = 5.0

    def __init__(self) -> None:
        self._smi = shutil.which("nvidia-smi")
        self._has_library = has_library()
        self._nvml: Any = None

    def present(self) -> bool:
        return self._has_library or self._smi is not None

    def read(self) -> Reading:
        if self._has_library:
            try:
                return ours(read_nvml(self._start()))
            except Exception:
                # A driver that was updated under us answers no more until it is opened anew.
                self._nvml = None
                if self._smi is None:
                    raise
        return ours(Reading(tuple(read_smi(str(self._smi)))))

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        # By number, since not every engine reads the long names; only parts of a GPU have nothing
        # else. CUDA counts the quickest first unless it is told to.
        words = [d.uuid if d.uuid.startswith("MIG-") else str(d.index) for d in devices]
        return {"CUDA_VISIBLE_DEVICES": ",".join(words), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def _start(self) -> Any:
        if self._nvml is None:
            import pynvml

            pynvml.nvmlInit()
            self._nvml = pynvml
        return self._nvml


def has_library() -> bool:
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def ours(reading: Reading, environ: Mapping[str, str] | None = None) -> Reading:
    """Who starts the node may leave it some of the GPUs only, as with any CUDA program."""
    text = (os.environ if environ is None else environ).get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return reading
    words = [word.strip() for word in text.split(",") if word.strip()]

    def wanted(device: Device) -> bool:
        whole = device.id.count(".") == 0
        return any(
            (whole and str(device.index) == word) or (device.uuid and device.uuid.startswith(word))
            for word in words
        )

    return Reading(tuple(d for d in reading.devices if wanted(d)), reading.taken)


def read_nvml(nvml: Any) -> Reading:
    """``nvml``: the module ``pynvml``, initialised. Raises its errors."""
    devices: list[Device] = []
    taken: dict[str, Mapping[int, int]] = {}
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        parts = _parts(nvml, handle, index)
        for name, part in parts or [(f"cuda:{index}", handle)]:
            devices.append(_device(nvml, name, index, handle, part))
            if (processes := _processes(nvml, part)) is not None:
                taken[name] = processes
    return Reading(tuple(devices), taken)


def _device(nvml: Any, name: str, index: int, gpu: Any, part: Any) -> Device:
    """``part``: the GPU itself, or one of its MIG instances, which has its own memory only."""
    memory = _ask(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(part))
    rates = _ask(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(part))
    capability = _ask(nvml, lambda: nvml.nvmlDeviceGetCudaComputeCapability(gpu))
    warmth = _ask(nvml, lambda: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU))
    total, used = (memory.total, memory.used) if memory else _shared_memory()
    return Device(
        id=name,
        kind="cuda",
        name=_text(_ask(nvml, lambda: nvml.nvmlDeviceGetName(part)) or ""),
        index=index,
        uuid=_text(_ask(nvml, lambda: nvml.nvmlDeviceGetUUID(part)) or ""),
        memory_total=total,
        memory_used=used,
        utilization=float(rates.gpu) if rates else None,
        temperature=float(warmth) if warmth is not None else None,
        capability=".".join(map(str, capability)) if capability else "",
    )


def _parts(nvml: Any, handle: Any, index: int) -> list[tuple[str, Any]]:
    """MIG instances, where the GPU is cut up."""
    mode = _ask(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle))
    if not mode or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
        return []
    parts = []
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        part = _ask(nvml, partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number))
        if part is not None:
            parts.append((f"cuda:{index}.{number}", part))
    return parts


def _processes(nvml: Any, handle: Any) -> dict[int, int] | None:
    """None: the driver does not tell, or does not tell how much."""
    found: dict[int, int] = {}
    for ask in (
        nvml.nvmlDeviceGetComputeRunningProcesses,
        nvml.nvmlDeviceGetGraphicsRunningProcesses,
    ):
        entries = _ask(nvml, partial(ask, handle))
        if entries is None:
            return None
        for entry in entries:
            if entry.usedGpuMemory is None:
                return None
            found[entry.pid] = max(found.get(entry.pid, 0), entry.usedGpuMemory)
    return found


def _ask(nvml: Any, question: Callable[[], Any]) -> Any:
    """None for what this GPU or driver does not know; a lost driver is an error."""
    try:
        return question()
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_NotFound, nvml.NVMLError_NoPermission):
        return None
    except nvml.NVMLError_InvalidArgument:
        return None


def _shared_memory() -> tuple[int, int]:
    """GPUs that share the machine's memory (GB10, Jetson) tell none of their own."""
    import psutil

    memory = psutil.virtual_memory()
    return memory.total, memory.total - memory.available


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def read_smi(program: str) -> list[Device]:
    """Without memory of processes. Raises OSError and subprocess.SubprocessError."""
    command = [program, f"--query-gpu={_SMI_FIELDS}", "--format=csv,noheader,nounits"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    devices = []
    for line in answer.stdout.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) != 8:
            continue
        index, uuid, name, total, used, busy, warmth, capability = values
        memory = (_number(total), _number(used))
        known = memory[0] is not None
        shared = (0, 0) if known else _shared_memory()
        devices.append(
            Device(
                id=f"cuda:{index}",
                kind="cuda",
                name=name,
                index=int(index),
                uuid=uuid,
                memory_total=int(memory[0] or 0) * _MIB if known else shared[0],
                memory_used=int(memory[1] or 0) * _MIB if known else shared[1],
                utilization=_number(busy),
                temperature=_number(warmth),
                capability=capability if capability[:1].isdigit() else "",
            )
        )
    return devices


def _number(text: str) -> float | None:
    """``[N/A]`` where a driver does not know."""
    try:
        return float(text)
    except ValueError:
        return None
