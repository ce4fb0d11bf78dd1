"""Files and folders of this machine: is there what a registration or a launch names?"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from apps.models.node.questions import Here, question
from xplatform.core.errors import InvalidValue

#: a folder's size is counted over this many entries, since somebody may name the whole disk
_ENTRIES = 20_000


@question("path.check")
def check(here: Here, path: str) -> dict[str, Any]:
    """{"path" (absolute), "exists", "kind": file | folder | other | "", "size": bytes (of a
    folder: of what is in it, None if there is too much), "readable", "why" (not readable)}"""
    if not path or "\0" in path:
        raise InvalidValue("`path` is empty or has a zero byte in it.", param="path")
    place = Path(path).expanduser().absolute()
    answer: dict[str, Any] = {
        "path": str(place), "exists": False, "kind": "", "size": 0, "readable": False, "why": "",
    }  # fmt: skip
    try:
        status = place.stat()
    except OSError as error:
        answer["why"] = error.strerror or str(error)
        # What may not be looked at is there all the same.
        answer["exists"] = isinstance(error, PermissionError)
        return answer
    folder = stat.S_ISDIR(status.st_mode)
    readable = os.access(place, os.R_OK | (os.X_OK if folder else 0))
    answer |= {
        "exists": True,
        "kind": "folder" if folder else "file" if stat.S_ISREG(status.st_mode) else "other",
        "size": (_size(place) if readable else 0) if folder else status.st_size,
        "readable": readable,
        "why": "" if readable else "permission denied",
    }
    return answer


def _size(folder: Path) -> int | None:
    total = seen = 0
    for root, folders, files in os.walk(folder):
        seen += len(files) + len(folders)
        if seen > _ENTRIES:
            return None
        for name in files:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue
    return total
