"""Ends of the chain, written to a file beside the logs: ``<home>/logs/audit.heads``.

Entries that are cut off at the end of the chain leave a shorter one that is whole in itself. The
file remembers where the end was, at most a minute ago, outside of the database. The same goes to
the log, which may be shipped to where nobody of this machine can change it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.utils import timezone

from xplatform.core.config import settings

log = logging.getLogger(__name__)

_EVERY = 60.0
#: lines that are kept: the newest tells of the end, those before it of earlier rewriting
_MOST, _KEPT = 20_000, 10_000

_lock = threading.Lock()
_noted: dict[Path, float] = {}


class Place(Protocol):
    @property
    def seq(self) -> int: ...
    @property
    def link(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Noted:
    at: str
    seq: int
    link: str


def path() -> Path:
    return settings().logs_path / "audit.heads"


def note(place: Place, at_once: bool = False) -> None:
    """At most once a minute. Never raises: the chain does not depend on it."""
    file = path()
    with _lock:
        now = time.monotonic()
        if not at_once and now - _noted.get(file, -_EVERY) < _EVERY:
            return
        _noted[file] = now
        line = {"at": timezone.now().isoformat(), "seq": place.seq, "link": place.link}
        log.info("audit: %d entries, head %s", place.seq, place.link)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as out:
                out.write(json.dumps(line) + "\n")
            _shorten(file)
        except OSError as error:
            log.warning("audit: cannot write %s: %s", file, error)


def noted() -> Iterator[Noted]:
    """Oldest first; lines that are no such thing are left out."""
    try:
        lines = path().read_text().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
            yield Noted(str(found["at"]), int(found["seq"]), str(found["link"]))
        except (ValueError, KeyError, TypeError):
            continue


def _shorten(file: Path) -> None:
    if file.stat().st_size < _MOST * 60:
        return
    lines = file.read_text().splitlines(keepends=True)
    if len(lines) > _MOST:
        aside = file.with_suffix(".new")
        aside.write_text("".join(lines[-_KEPT:]))
        aside.replace(file)
