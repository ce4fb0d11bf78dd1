"""Logs of this node's processes: their folders (``xplatform.core.logs``) and what is in them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from apps.models.node.questions import Here, question
from xplatform.core.errors import NotFound
from xplatform.core.logs import LOG_NAME, OUTPUT_NAME

_FILES = {"output": OUTPUT_NAME, "log": LOG_NAME}
_FOLDER = re.compile(r"(?P<process>[A-Za-z0-9.\-]+)_(?P<started>\d+)")
#: of what a page of lines is cut
_PAGE_BYTES = 1024 * 1024

Lines = Annotated[int, Meta(ge=1, le=10_000)]
Offset = Annotated[int, Meta(ge=0)]


@question("logs.list")
def list_logs(here: Here) -> dict[str, Any]:
    """{"logs": [{folder, process, started (ms), files: {name: bytes}}…]}, newest first."""
    found = []
    for folder in here.settings.logs_path.glob("*"):
        if match := _FOLDER.fullmatch(folder.name):
            sizes = {name: _size(folder / file) for name, file in _FILES.items()}
            found.append(
                {
                    "folder": folder.name,
                    "process": match["process"],
                    "started": int(match["started"]),
                    "files": {name: size for name, size in sizes.items() if size is not None},
                }
            )
    return {"logs": sorted(found, key=lambda entry: -entry["started"])}


@question("logs.tail")
def tail(
    here: Here,
    replica: str | None = None,
    epoch: int | None = None,
    folder: str | None = None,
    file: Literal["output", "log"] = "output",
    lines: Lines = 100,
    offset: Offset | None = None,
) -> dict[str, Any]:
    """The last lines, or those since ``offset`` (which the answer before this one told).

    Of a replica (its newest start, unless ``epoch`` says which), of a folder of ``logs.list``, or
    else of the process that this agent lives in. {"lines", "offset", "size", "folder", "file"}"""
    chosen = _folder(here, replica, epoch, folder)
    path = chosen / _FILES[file]
    try:
        with path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            text, end = _read(source, size, lines, offset)
    except FileNotFoundError:
        # Nothing was written yet.
        text, end, size = [], 0, 0
    return {"lines": text, "offset": end, "size": size, "folder": chosen.name, "file": file}


def _read(source: Any, size: int, lines: int, offset: int | None) -> tuple[list[str], int]:
    """Whole lines only: the rest of one that is being written comes with the next question."""
    if offset is not None:
        # The file was put aside and begun anew.
        start = offset if offset <= size else 0
        source.seek(start)
        data = source.read(_PAGE_BYTES)
        whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == _PAGE_BYTES else b"")
        taken = b"".join(whole.splitlines(keepends=True)[:lines])
        return _lines(taken), start + len(taken)
    start = max(0, size - _PAGE_BYTES)
    source.seek(start)
    data = source.read(size - start)
    whole = data[: data.rfind(b"\n") + 1]
    if start:
        whole = whole.partition(b"\n")[2]
    return _lines(whole)[-lines:], start + data.rfind(b"\n") + 1


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()


def _folder(here: Here, replica: str | None, epoch: int | None, folder: str | None) -> Path:
    logs = here.settings.logs_path
    if folder is not None:
        if not _FOLDER.fullmatch(folder) or not (logs / folder).is_dir():
            raise NotFound(f"There is no log {folder!r} on node {here.node!r}.", param="folder")
        return logs / folder
    if replica is not None:
        if not re.fullmatch(r"[A-Za-z0-9\-]+", replica):
            raise NotFound(f"{replica[:100]!r} is no id of a replica.", param="replica")
        pattern = f"replica-{replica}-{epoch if epoch is not None else '*'}_*"
        what = f"replica {replica}" + (f" #{epoch}" if epoch is not None else "")
    else:
        # In a server of one machine the agent lives in the control worker.
        pattern, what = "*_*", "the node agent"
    found = [path for path in logs.glob(pattern) if _FOLDER.fullmatch(path.name)]
    if replica is None:
        found = [path for path in found if path.name.startswith(("control_", "node_"))]
    if not found:
        raise NotFound(
            f"Node {here.node!r} has no log of {what}: it never ran there, or its log was pruned.",
            param="replica" if replica is not None else None,
        )
    return max(found, key=lambda path: int(path.name.rpartition("_")[2]))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
