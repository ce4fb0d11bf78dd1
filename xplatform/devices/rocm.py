"""AMD GPUs, by the files of the kernel's driver: no library and no program is needed.

``/sys/class/kfd/kfd/topology/nodes`` lists what can compute, in the order in which HIP counts;
each names its render node, and through that ``/sys/class/drm`` has memory, load and temperature.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from xplatform.devices.device import Device
from xplatform.devices.plugin import Reading


class Rocm:
    kind = "rocm"
    every = 2.0

    def __init__(self, root: Path = Path("/sys")) -> None:
        self._kfd = root / "class/kfd/kfd"
        self._drm = root / "class/drm"

    def present(self) -> bool:
        return (self._kfd / "topology/nodes").is_dir()

    def read(self) -> Reading:
        devices: list[Device] = []
        taken: dict[str, Mapping[int, int]] = {}
        nodes = (self._kfd / "topology/nodes").iterdir()
        for node in sorted(nodes, key=lambda path: int(path.name)):
            facts = _facts(node / "properties")
            # Without compute units it is the processor.
            if not facts.get("simd_count") or not facts.get("drm_render_minor"):
                continue
            card = self._drm / f"renderD{facts['drm_render_minor']}" / "device"
            if not card.exists():
                continue  # not given to this container
            index = len(devices)
            device = _device(card, index, facts)
            devices.append(device)
            taken[device.id] = self._processes(_text(node / "gpu_id"))
        return Reading(_ours(devices), taken)

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        # Empty means "all" to HIP; no device has the number -1. Some libraries read CUDA's name.
        words = ",".join(str(device.index) for device in devices) or "-1"
        return {"HIP_VISIBLE_DEVICES": words, "CUDA_VISIBLE_DEVICES": words}

    def _processes(self, gpu: str) -> dict[int, int]:
        found = {}
        for file in self._kfd.glob(f"proc/*/vram_{gpu}"):
            if (size := _number(file)) and file.parent.name.isdigit():
                found[int(file.parent.name)] = size
        return found


def _device(card: Path, index: int, facts: Mapping[str, int]) -> Device:
    busy, warmth = _number(card / "gpu_busy_percent"), _temperature(card)
    unique = _text(card / "unique_id")
    return Device(
        id=f"rocm:{index}",
        kind="rocm",
        name=_text(card / "product_name") or "AMD GPU",
        index=index,
        uuid=f"GPU-{unique}" if unique else "",
        memory_total=_number(card / "mem_info_vram_total") or 0,
        memory_used=_number(card / "mem_info_vram_used") or 0,
        utilization=float(busy) if busy is not None else None,
        temperature=warmth / 1000 if warmth is not None else None,
        capability=_gfx(facts.get("gfx_target_version", 0)),
    )


def _ours(devices: list[Device]) -> tuple[Device, ...]:
    """Who starts the node may leave it some of them only, as with any HIP program."""
    text = os.environ.get("HIP_VISIBLE_DEVICES")
    if text is None:
        return tuple(devices)
    words = {word.strip() for word in text.split(",")}
    return tuple(d for d in devices if str(d.index) in words or d.uuid in words)


def _gfx(version: int) -> str:
    """90010 is gfx90a: the last two places are hexadecimal."""
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}" if version else ""


def _temperature(card: Path) -> int | None:
    """Of the hottest point, in thousandths of a degree."""
    felt = [_number(file) for file in sorted(card.glob("hwmon/hwmon*/temp*_input"))]
    return max((value for value in felt if value is not None), default=None)


def _facts(file: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    facts = {}
    for line in _text(file).splitlines():
        name, _, value = line.partition(" ")
        if value.isdigit():
            facts[name] = int(value)
    return facts


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
