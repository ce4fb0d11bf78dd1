"""What a model on this node, or on a hub as seen from this node, is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from apps.models.facts import as_dict, read_facts
from apps.models.facts.hub import read_source
from apps.models.facts.look import look
from apps.models.node.preparation import built_in
from apps.models.node.questions import Here, question
from xplatform import files
from xplatform.core.errors import InvalidValue

_BUILT_IN = "builtin:"


@question("facts.read")
def read(
    here: Here,
    path: str = "",
    source: dict[str, Any] | None = None,
    quantization: str = "",
) -> dict[str, Any]:
    """{"facts": Facts}: of a file or folder here, or of a source (``xplatform.files.Source``)."""
    if path.startswith(_BUILT_IN):
        return _told(read_facts(built_in(path.removeprefix(_BUILT_IN))))
    if path:
        return _told(read_facts(Path(path).expanduser(), quantization=quantization))
    if not source:
        raise InvalidValue("`path` or `source` says what to read.", param="path")
    try:
        wanted, _ = files.read_source(source)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"`source` does not fit: {error}.", param="source") from None
    return _told(read_source(wanted, here.settings, quantization=quantization))


@question("facts.look")
def look_at(here: Here, source: dict[str, Any], quantization: str = "") -> dict[str, Any]:
    """{"look": Look}: the files of a source, and what model they are."""
    try:
        wanted, _ = files.read_source(source)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"`source` does not fit: {error}.", param="source") from None
    return {"look": msgspec.to_builtins(look(wanted, here.settings, quantization))}


def _told(facts: Any) -> dict[str, Any]:
    return {"facts": as_dict(facts)}
