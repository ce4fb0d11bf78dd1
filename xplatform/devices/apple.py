"""Apple silicon: one GPU that shares the machine's memory, of which macOS lets it have a part."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable, Sequence

import psutil

from xplatform.devices.device import Device
from xplatform.devices.plugin import Reading

#: of the machine's memory: what the system lets the GPU wire down unless told otherwise
_SMALL_SHARE, _LARGE_SHARE = 2 / 3, 3 / 4
_LARGE = 36 * 1024**3


def run(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=20, check=True
    ).stdout.strip()


class Apple:
    kind = "metal"
    every = 5.0

    def __init__(
        self,
        ask: Callable[..., str] = run,
        system: str = platform.system(),
        machine: str = platform.machine(),
    ) -> None:
        self._ask = ask
        self._here = system == "Darwin" and machine == "arm64"
        self._name = ""

    def present(self) -> bool:
        return self._here

    def read(self) -> Reading:
        if not self._name:
            self._name = self._ask("sysctl", "-n", "machdep.cpu.brand_string")
        memory = int(self._ask("sysctl", "-n", "hw.memsize"))
        limit = self._wired_limit() or int(
            memory * (_SMALL_SHARE if memory < _LARGE else _LARGE_SHARE)
        )
        # One memory for both: what the machine has left is what the GPU has left.
        free = psutil.virtual_memory().available
        device = Device(
            id="metal",
            kind="metal",
            name=self._name,
            memory_total=limit,
            memory_used=max(0, limit - free),
            utilization=self._utilization(),
            capability=self._name,
        )
        return Reading((device,))

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        return {}  # Metal has no such switch; engines take "no device" from their options

    def _wired_limit(self) -> int:
        """What an operator has set instead; 0: nothing."""
        try:
            return int(self._ask("sysctl", "-n", "iogpu.wired_limit_mb")) * 1024 * 1024
        except (OSError, ValueError, subprocess.SubprocessError):
            return 0

    def _utilization(self) -> float | None:
        try:
            text = self._ask("ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator")
        except (OSError, subprocess.SubprocessError):
            return None
        _, found, rest = text.partition('"Device Utilization %"=')
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        return float(digits) if found and digits else None
