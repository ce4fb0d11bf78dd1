"""Environment variables of a replica's process, which its engine inherits."""

from __future__ import annotations

import re

from apps.models.node.preparation import CannotPrepare
from apps.models.reports import ReplicaSpec
from xplatform.devices import Inventory

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: what the platform's own processes live by
_OURS = ("XPLATFORM", "DJANGO", "PYTHON", "VIRTUAL_ENV", "LD_PRELOAD")


def replica_environment(spec: ReplicaSpec, inventory: Inventory) -> dict[str, str]:
    """What the launch asks for, and the devices that are the replica's own. Handed over through
    the warden's socket, never on a command line. Raises CannotPrepare."""
    for name, value in spec.environment.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise CannotPrepare(
                f"the environment variable {name[:100]!r} has a name or value that no system takes"
            )
        if name.startswith(_OURS):
            raise CannotPrepare(f"the environment variable {name} is the platform's own")
    try:
        binding = inventory.binding(spec.devices)
    except KeyError as error:
        here = ", ".join(device.id for device in inventory.devices())
        raise CannotPrepare(
            f"node {spec.node!r} has no device {error.args[0]!r} now; it has: {here}"
        ) from None
    # Idle threads of OpenMP must sleep: spinning ones make every other process slow.
    return {"OMP_WAIT_POLICY": "passive", **spec.environment, **binding}
