"""Devices that a file names instead of drivers: for tests, and for machines that we misjudge.

The setting ``devices`` names the file, a JSON object ``{"devices": [{"id": "cuda:0", "kind":
"cuda", "memory_total": …}, …], "taken": {"cuda:0": {"<pid>": bytes}}}`` of ``Device``'s fields. It
is read anew when it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from xplatform.core.config import ConfigError
from xplatform.devices.device import Device
from xplatform.devices.plugin import Reading


class MadeUp:
    kind = "made up"
    every = 0.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._reading = self.read()

    def present(self) -> bool:
        return True

    def read(self) -> Reading:
        """Raises ConfigError."""
        try:
            status = self._path.stat()
            if self._stamp != (stamp := (status.st_mtime_ns, status.st_size)):
                self._reading = msgspec.json.decode(self._path.read_bytes(), type=Reading)
                self._stamp = stamp
        except OSError as error:
            raise ConfigError(f"The file of devices {self._path}: {error.strerror}.") from None
        except msgspec.DecodeError as error:
            raise ConfigError(f"The file of devices {self._path} is wrong: {error}.") from None
        return self._reading

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        return {}
