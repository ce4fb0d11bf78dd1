"""The web console: files that ``frontend/`` is built into, and the page that loads them.

They lie in ``built/`` here, so that a wheel carries them; without them the page says how to get
them, and all else of the server works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: where the console is; Xinference's is there, too
BASE: Final = "/ui/"
BUILT: Final = Path(__file__).parent / "built"
INDEX: Final = BUILT / "index.html"
ASSETS: Final = BUILT / "assets"


def is_built() -> bool:
    return INDEX.is_file()
