"""What a node has already: used where it lies, never copied or removed."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xplatform.core.errors import InvalidValue, SourceNotFound
from xplatform.files.listing import is_inside
from xplatform.files.source import Source


def is_local(source: Source) -> bool:
    return source.hub == "path" or (source.hub == "uri" and source.id.lower().startswith("file:"))


def local_path(source: Source) -> Path:
    """Raises InvalidValue and SourceNotFound."""
    text = source.id
    if source.hub == "uri":
        parts = urlsplit(source.id)
        if parts.netloc not in ("", "localhost"):
            raise InvalidValue(
                f"'{source.id}' names the host '{parts.netloc}': a file:// address is a path on"
                " the node, with three slashes.",
                param="source",
            )
        text = unquote(parts.path)
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise InvalidValue(f"'{source.id}' is no absolute path.", param="source")
    if source.entry:
        if not is_inside(source.entry):
            raise InvalidValue(f"'{source.entry}' leads out of the folder.", param="source")
        path = path / source.entry
    if not path.exists():
        raise SourceNotFound(f"There is no file or folder '{path}' on this node.", param="source")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise SourceNotFound(f"'{path}' on this node may not be read.", param="source")
    return path
