"""What a kind of device has to say, and the list of kinds.

Outside packages add kinds by an entry point of the group ``xplatform.devices``, whose object is
called without arguments and gives a ``Plugin``::

    [project.entry-points."xplatform.devices"]
    ascend = "my_package:Ascend"
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Protocol

import msgspec

from xplatform.devices.device import Device

log = logging.getLogger(__name__)

GROUP = "xplatform.devices"

#: our own, by kind: loaded where they are used
_OWN = {
    "cuda": ("xplatform.devices.nvidia", "Nvidia"),
    "rocm": ("xplatform.devices.rocm", "Rocm"),
    "metal": ("xplatform.devices.apple", "Apple"),
    "cpu": ("xplatform.devices.cpu", "Processor"),
}


class Reading(msgspec.Struct, frozen=True):
    """What a driver said. ``memory_foreign`` is not filled in here."""

    devices: tuple[Device, ...] = ()
    #: device id → process id → bytes of it; a device is missing where the driver does not tell
    taken: Mapping[str, Mapping[int, int]] = {}


class Plugin(Protocol):
    """One kind of device. Called from one thread at a time; a call that hangs harms nobody else."""

    kind: str
    #: seconds between two questions to the driver
    every: float

    def present(self) -> bool:
        """Is there a driver at all? Must be quick, since it is asked while the node starts."""

    def read(self) -> Reading:
        """May take long, and may raise anything: then the last answer holds for a while."""

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        """Environment with which a process sees these devices of the kind and no others; none at
        all for an empty list."""


def plugins() -> dict[str, Plugin]:
    """All kinds, whether or not this machine has such devices. An outside one of the same name
    takes the place of ours."""
    found: dict[str, Plugin] = {}
    for kind, (module, name) in _OWN.items():
        found[kind] = getattr(importlib.import_module(module), name)()
    for entry in entry_points(group=GROUP):
        try:
            plugin: Plugin = entry.load()()
            found[plugin.kind] = plugin
        except Exception:
            log.exception("the device plug-in %s (%s) cannot be loaded", entry.name, entry.value)
    return found
