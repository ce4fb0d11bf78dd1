"""What a heartbeat tells of downloads and the cache, drawn anew only when there may be something
new: heartbeats are many, and looking costs a system call a file."""

from __future__ import annotations

import time
from typing import Any

from xplatform.files.files import Files

#: seconds between two pictures of downloads at work
_WHILE_WORKING = 2.0
#: what changes without the downloads' doing (leases, other programs) is seen after so long
_OTHERWISE = 30.0


class Pictures:
    """Called by one thread."""

    def __init__(self, files: Files, peer: str = "") -> None:
        """``peer``: the address at which other nodes may copy them."""
        self._files, self._peer = files, peer
        self._changes = -1
        self._drawn = 0.0
        self._last: dict[str, Any] = {}

    def __call__(self) -> dict[str, Any]:
        now = time.monotonic()
        age, changes = now - self._drawn, self._files.changes
        working = self._files.working and age > _WHILE_WORKING
        if changes != self._changes or working or age > _OTHERWISE:
            self._last = self._files.picture(names=False)
            if self._peer:
                self._last["peer"] = self._peer
            self._drawn, self._changes = now, changes
        return self._last
