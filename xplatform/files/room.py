"""Room for a download, before its first byte: on the disk, and under the limit of the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xplatform.core.errors import DiskFull
from xplatform.files import disk
from xplatform.files.cache import Entry
from xplatform.files.listing import RemoteFile

if TYPE_CHECKING:
    from xplatform.files.workshop import Workshop


def needed(entry: Entry, missing: Sequence[RemoteFile]) -> int:
    """Bytes still to come. What a hub does not tell the size of counts as nothing."""
    wanted = sum(file.size or 0 for file in missing)
    for file in missing:
        partial = entry.partial(file.path)
        if partial.exists():
            wanted -= min(partial.stat().st_size, file.size or 0)
    return wanted


def make_room(shop: Workshop, entry: Entry, wanted: int, others: int, name: str) -> None:
    """``others``: bytes that running downloads still need. Raises DiskFull."""
    what = f"'{name}'"
    if shop.limit:
        over = shop.cache.make_room(wanted + others, shop.limit, entry.id)
        if over:
            raise DiskFull(
                f"{what} needs {disk.gigabytes(wanted)}, which is {disk.gigabytes(over)} more"
                f" than the limit of this node's cache ({disk.gigabytes(shop.limit)},"
                " 'cache_max_gb') leaves beside the files that are in use.",
                data={"needed": wanted, "over": over, "limit": shop.limit},
            )
    unused = sum(info.own for info in shop.cache.listing() if not info.used_by)
    disk.check(shop.cache.root, wanted, others, what, unused)
