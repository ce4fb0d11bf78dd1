"""``xplatform version``."""

from __future__ import annotations

import platform
from importlib import metadata

NAME = "xplatform"


def version() -> str:
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        # A checkout that is run without being installed.
        return "0 (not installed)"


def run(_command: str, _words: list[str]) -> int:
    print(f"{NAME} {version()} (Python {platform.python_version()})")
    return 0
