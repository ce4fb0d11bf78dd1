"""The agent itself, started anew by this machine's warden. What it watches over goes on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apps.models.node.questions import Here, question
from xplatform.core.errors import Conflict
from xplatform.warden.client import WardenClient, WardenError


@question("agent.restart")
def restart(here: Here, request_id: str = "") -> dict[str, Any]:
    """{"restart": {id, name, status, started, finished, error}}; begins, and answers at once."""
    warden = _warden(here)
    try:
        return {"restart": asdict(warden.restart(agent_service(warden), request_id))}
    except WardenError as error:
        raise Conflict(f"Node {here.node!r}: {error}") from None


@question("agent.restarts")
def restarts(here: Here) -> dict[str, Any]:
    """{"restarts": […]}, oldest first."""
    warden = _warden(here)
    try:
        name = agent_service(warden)
        return {"restarts": [asdict(one) for one in warden.restarts() if one.name == name]}
    except WardenError as error:
        raise Conflict(f"Node {here.node!r}: {error}") from None


def _warden(here: Here) -> WardenClient:
    return WardenClient(here.settings.sockets_path / "warden.sock")


def agent_service(warden: WardenClient) -> str:
    """Beside the control plane it is one process with it."""
    return "node" if "node" in warden.services() else "control"
