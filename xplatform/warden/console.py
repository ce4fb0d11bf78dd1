"""What the person at the terminal reads.

Never blocks and never raises: a terminal that is stopped or gone must not stop the warden.
"""

from __future__ import annotations

import os
import select


class Console:
    def __init__(self, handle: int = 1) -> None:
        self._handle = handle
        self._poll = select.poll()
        self._poll.register(handle, select.POLLOUT)

    def say(self, text: str = "") -> None:
        data = (text + "\n").encode(errors="replace")
        try:
            # A pipe that is writable takes 4096 bytes without blocking.
            for start in range(0, len(data), 4096):
                if not self._poll.poll(0):
                    return
                os.write(self._handle, data[start : start + 4096])
        except OSError:
            pass
