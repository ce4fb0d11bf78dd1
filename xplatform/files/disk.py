"""Room for files: asked before the first byte is fetched."""

from __future__ import annotations

import shutil
from pathlib import Path

from xplatform.core.errors import DiskFull

#: left free whatever happens: databases and logs often lie on the same disk
RESERVE = 512 << 20


def free(folder: Path) -> int:
    """Bytes that may be written where the folder is or will be."""
    return max(_usage(folder).free - RESERVE, 0)


def total(folder: Path) -> int:
    """Bytes of the disk on which the folder is or will be."""
    return _usage(folder).total


def _usage(folder: Path) -> shutil._ntuple_diskusage:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder)


def check(folder: Path, wanted: int, others: int, what: str, removable: int) -> None:
    """Raises DiskFull when ``wanted`` bytes do not fit beside the ``others`` that running
    downloads still need."""
    have = free(folder)
    if wanted + others <= have:
        return
    beside = f" beside {gigabytes(others)} for downloads that run" if others else ""
    hint = f" Unused cached models take {gigabytes(removable)}." if removable else ""
    raise DiskFull(
        f"{what} needs {gigabytes(wanted)}{beside}, but {gigabytes(have)} are free in {folder}"
        f" ({gigabytes(RESERVE)} are kept free).{hint}",
        data={"needed": wanted, "others": others, "free": have, "removable": removable},
    )


def gigabytes(count: float) -> str:
    """For people: ``1.2 GB``, ``37 MB``."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            number = count / size
            return f"{number:.1f} {unit}" if number < 100 else f"{number:.0f} {unit}"
    return f"{count:.0f} bytes"
