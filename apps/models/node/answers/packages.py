"""What is installed in an engine's environment on this node."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from apps.models.node.questions import Here, question
from xplatform import environments
from xplatform.core.errors import NotFound
from xplatform.environments.store import entry, folder_of


@question("engines.packages")
def packages(here: Here, name: str) -> dict[str, Any]:
    """{"packages": [{name, version}…]} by name; none when there is no environment of its own."""
    try:
        folder = folder_of(entry(name), here.settings)
    except environments.UnknownEngine as error:
        raise NotFound(str(error), param="name") from None
    places = [str(path) for path in folder.glob("lib/python*/site-packages")]
    found = {
        one.metadata["Name"]: one.version
        for one in metadata.distributions(path=places)
        if places and one.metadata["Name"]
    }
    ordered = sorted(found.items(), key=lambda pair: pair[0].lower())
    return {"packages": [{"name": name, "version": version} for name, version in ordered]}
