"""What other apps have the leading control worker do. They register it here from their
``AppConfig.ready``, since this app knows none of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_WORK: Final[list[Callable[[], None]]] = []


def when_leading(work: Callable[[], None]) -> None:
    """``work()`` is called about once a second, and must return at once."""
    _WORK.append(work)


def do_it() -> None:
    for work in _WORK:
        try:
            work()
        except Exception:
            log.exception("what is done beside the control plane's own")
