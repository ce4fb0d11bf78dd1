"""What a source consists of now: from its hub, or without one from what was listed before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xplatform.core.errors import HubUnavailable, Offline, PlatformError
from xplatform.files.links import other_snapshot
from xplatform.files.listing import HubReader, RemoteFile, Snapshot
from xplatform.files.selection import select
from xplatform.files.source import Source
from xplatform.files.stop import Stop

if TYPE_CHECKING:
    from xplatform.files.workshop import Workshop

log = logging.getLogger(__name__)

#: a branch that was looked up so recently is not looked up again: replicas of one launch start
#: with the same files, and a restart does not wait for the hub
_FRESH = 60.0
#: attempts to hear what a hub lists: somebody is waiting for it
_TRIES = 4

Say = Callable[[str], None]


def look_up(
    source: Source, shop: Workshop, peers: Sequence[str], stop: Stop, say: Say
) -> tuple[Snapshot, HubReader | None]:
    """No reader: nothing may be fetched. Raises PlatformError and Stopped."""
    cache = shop.cache
    known = cache.known(source)
    if shop.offline:
        known = known or other_snapshot(source)
        if known is None:
            raise offline(source, shop, [])
        return known, None
    if known is not None and not known.listed:
        known = None
    reader = shop.reader(source)
    at = cache.revision(source)
    fresh = at is not None and time.time() - at.seen < _FRESH
    if known is not None and (fresh or known.commit == source.revision):
        return known, reader
    # With all files here the hub's answer matters little, so there is no second attempt.
    here = known is not None and _is_here(source, known, shop)
    try:
        snapshot = _ask(reader, source, shop, stop, say, 1 if here else _TRIES)
    except HubUnavailable as error:
        # A hub that is away must not keep a model from starting whose files are here.
        known = known or shop.peer_snapshot(source, peers)
        if known is None:
            raise
        log.warning("%s Going on with what was listed before.", error.message)
        snapshot = known
    cache.remember(source, snapshot.commit)
    return snapshot, reader


def offline(source: Source, shop: Workshop, missing: Sequence[RemoteFile]) -> Offline:
    names = ", ".join(f.path for f in missing[:5]) + (", …" if len(missing) > 5 else "")
    what = f"Of '{source.name}' {names} " if missing else f"'{source.name}' "
    are = "are" if len(missing) > 1 else "is"
    return Offline(
        f"{what}{are} not on this node, and it is set to be offline: nothing is fetched. Copy"
        f" the files to {shop.cache.root} from a node that has them, or switch off 'offline' (or"
        " HF_HUB_OFFLINE).",
        data={"missing": [f.path for f in missing]},
    )


def _is_here(source: Source, snapshot: Snapshot, shop: Workshop) -> bool:
    entry = shop.cache.entry(snapshot)
    try:
        return all(entry.has(file) for file in select(source, snapshot))
    except PlatformError:
        return False


def _ask(
    reader: HubReader, source: Source, shop: Workshop, stop: Stop, say: Say, tries: int
) -> Snapshot:
    failures = 0
    while True:
        stop.check()
        try:
            return reader.snapshot(source)
        except PlatformError as error:
            failures += 1
            if not error.retryable or failures >= tries:
                raise
            wait = shop.patience.wait(failures)
            if "retry_after" in error.__dict__:  # the hub's own wish
                wait = max(wait, min(error.retry_after or 0.0, 60.0))
            say(f"{error.message} Next attempt in {wait:.0f} s")
            stop.sleep(wait)
