"""The devices of this machine. A new kind of device is one plug-in (``plugin.py``) beside these.

``inventory()`` is quick at any time; ``Inventory`` is what the node agent keeps.
"""

from __future__ import annotations

from functools import cache

from xplatform.core.config import settings
from xplatform.devices.device import Device, Kind
from xplatform.devices.inventory import Inventory
from xplatform.devices.plugin import Plugin, Reading

__all__ = ["Device", "Inventory", "Kind", "Plugin", "Reading", "here", "inventory"]


@cache
def here() -> Inventory:
    """This process's one."""
    return Inventory(settings().devices)


def inventory() -> list[Device]:
    return here().devices()
