"""How far pip is, from what it says. An estimate: pip does not know either before its end."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\(([\d.]+) (bytes|kB|MB|GB)\)")
_MEGABYTES = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}


class Progress:
    """Goes forward only."""

    def __init__(self) -> None:
        self.stage = "resolving"
        self.fraction = 0.02
        self.last = "looking for packages"
        self._megabytes = 0.0
        self._packages = 0

    def hear(self, line: str) -> None:
        if line.startswith(("WARNING", "Looking in", "DEPRECATION", "[notice]")):
            return
        self.last = line
        word = line.partition(" ")[0]
        if word == "Collecting":
            self._packages += 1
        elif word in ("Downloading", "Using", "Processing"):
            self.stage = "downloading"
            if size := _SIZE.search(line):
                self._megabytes += float(size[1]) * _MEGABYTES[size[2]]
        elif line.startswith("Installing collected packages"):
            self.stage = "installing"
            self.fraction = max(self.fraction, 0.8)
            return
        elif line.startswith("Successfully installed"):
            self.fraction = 0.99
            return
        if self.stage != "installing":
            # Nears 0.75 as packages and megabytes come in, whatever their number.
            done = self._packages / 20 + self._megabytes / 400
            self.fraction = max(self.fraction, 0.02 + 0.73 * done / (1 + done))
