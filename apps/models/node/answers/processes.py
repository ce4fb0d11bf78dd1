"""What runs on this node, by the warden's word."""

from __future__ import annotations

from typing import Any

from apps.models.node.questions import Here, question
from xplatform.core.errors import Internal
from xplatform.warden.client import WardenError


@question("processes")
def processes(here: Here) -> dict[str, Any]:
    """{"processes": [{replica, epoch, pid, running, started, ended, exit_code, memory,
    device_memory, last_lines}…]}"""
    try:
        found = here.agent.children()
    except WardenError as error:
        raise Internal(f"Node {here.node!r}: {error}") from None
    entries = []
    for (replica, epoch), child in found:
        taken = here.agent.memory.of(child.pid)
        entries.append(
            {
                "replica": replica,
                "epoch": epoch,
                "pid": child.pid,
                "running": child.running,
                "started": child.started,
                "ended": child.ended,
                "exit_code": child.exit_code,
                "memory": taken.resident,
                "device_memory": taken.device,
                "last_lines": child.last_lines,
            }
        )
    return {"processes": entries}
