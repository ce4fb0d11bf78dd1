"""One line that changes on a terminal; a line for each new state elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

_WIDTH = 24


class Progress:
    def __init__(self, quiet: bool = False, terminal: TextIO | None = None) -> None:
        self._quiet = quiet
        #: the bar is for eyes only and never gets into a pipe
        self._terminal = sys.stderr if terminal is None else terminal
        self._lively = self._terminal.isatty() and sys.stdout.isatty()
        self._began = time.monotonic()
        self._shown = ""

    def show(self, fraction: float | None, text: str) -> None:
        """``fraction`` None: it cannot be known."""
        if self._quiet:
            return
        if self._lively:
            self._draw(fraction, text)
        elif text != self._shown:
            print(text, flush=True)
        self._shown = text

    def clear(self) -> None:
        if self._lively and self._shown:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()
            self._shown = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def _draw(self, fraction: float | None, text: str) -> None:
        if fraction is None:
            # A block that wanders, so that one sees that somebody looks.
            at = int(self.seconds * 8) % (_WIDTH * 2 - 2)
            at = at if at < _WIDTH else _WIDTH * 2 - 2 - at
            bar = "·" * at + "█" + "·" * (_WIDTH - 1 - at)
        else:
            full = round(max(0.0, min(1.0, fraction)) * _WIDTH)
            bar = "█" * full + "·" * (_WIDTH - full)
        line = f"{bar} {text}  {self.seconds:.0f} s"
        width = shutil.get_terminal_size().columns - 1
        self._terminal.write("\r\x1b[K" + line[:width])
        self._terminal.flush()
