"""Attempts that were refused, or failed: the first of its kind at once, a flood of them by count.

A kind is one address (or person), one reason, one thing. Each process writes at most a row a
minute for it, and knows a bounded number of kinds: what goes beyond is counted together. Nothing
here waits for the database on a request's way but for the first of its kind in Django's threads,
and nothing raises: what is refused stays refused while the database is down.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from django.db import close_old_connections, connection

from apps.audit import context
from apps.audit.recording import record

log = logging.getLogger(__name__)

_EVERY: Final = 60.0
#: the writer's thread looks this often
_LOOK: Final = 5.0
_MOST_KINDS: Final = 2_000
_MANY: Final = "many"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was refused to whom, or failed them. ``reason`` is the code of the error, ``why`` its
    text."""

    action: str
    reason: str
    thing: str = ""
    thing_id: str = ""
    project: str = ""
    who: context.Acting = field(default_factory=context.Acting)
    why: str = ""
    outcome: Literal["refused", "failed"] = "refused"

    @property
    def kind(self) -> tuple[str, ...]:
        who = self.who
        if not who.name:
            # Nobody we know: what they try makes no difference.
            return (self.reason, who.address)
        tried = (self.action, self.thing, self.thing_id, who.via, self.outcome)
        return (self.reason, who.address, who.name, who.key_id, *tried)


@dataclass(slots=True)
class _Counted:
    attempt: Attempt
    #: since when it is counted, and how many were not written yet
    since: float
    count: int = 0
    #: the first is to be written by the thread, at once
    fresh: bool = False


class Refusals:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, ...], _Counted] = {}
        self._look = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, attempt: Attempt, wait: bool) -> None:
        """``wait``: may be written here and now. Else, on an event loop, a thread does it."""
        write = False
        with self._lock:
            found = self._kinds.get(attempt.kind)
            if found is None and len(self._kinds) >= _MOST_KINDS:
                attempt = _folded(attempt)
                found = self._kinds.get(attempt.kind)
            if found is None:
                write = wait
                found = _Counted(attempt, time.monotonic(), int(not wait), fresh=not wait)
                self._kinds[attempt.kind] = found
            else:
                found.count += 1
            self._start()
        if write:
            _write(attempt, 1)
        elif found.fresh:
            self._look.set()

    def flush(self, all_of_them: bool = False) -> None:
        """Write what is due."""
        now = time.monotonic()
        due: list[tuple[Attempt, int]] = []
        with self._lock:
            for kind, counted in list(self._kinds.items()):
                old = now - counted.since >= _EVERY
                if (old or counted.fresh or all_of_them) and counted.count:
                    due.append((counted.attempt, counted.count))
                    counted.count, counted.fresh, counted.since = 0, False, now
                elif old or all_of_them:
                    del self._kinds[kind]
        for attempt, count in due:
            _write(attempt, count)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._look.wait(_LOOK)
            self._look.clear()
            with self._lock:
                idle = not self._kinds
                if idle:
                    # The next attempt starts another; a process that is never attacked has none.
                    self._thread = None
            if idle:
                connection.close()
                return
            close_old_connections()
            try:
                self.flush()
            except Exception:
                log.exception("refused attempts are not recorded")


_refusals = Refusals()
atexit.register(lambda: _refusals.flush(all_of_them=True))


def refused(attempt: Attempt, wait: bool = True) -> None:
    _refusals.note(attempt, wait)


def failed(attempt: Attempt) -> None:
    """A change that was allowed and has not happened, for a reason that is not the caller's."""
    _refusals.note(replace(attempt, outcome="failed"), wait=True)


def flush() -> None:
    """At a process's end, and for tests."""
    _refusals.flush(all_of_them=True)


def _folded(attempt: Attempt) -> Attempt:
    return Attempt(
        attempt.action,
        attempt.reason,
        who=context.Acting(address=_MANY),
        why=attempt.why,
        outcome=attempt.outcome,
    )


def _write(attempt: Attempt, count: int) -> None:
    who = replace(attempt.who, name=attempt.who.name or "nobody")
    try:
        with context.within(who):
            record(
                None, attempt.action, attempt.thing, attempt.thing_id, attempt.project,
                outcome=attempt.outcome, why=f"{attempt.reason}: {attempt.why}", count=count,
            )  # fmt: skip
    except Exception as error:
        log.warning(
            "audit: %d × %s %s to %s (%s) is not recorded: %s",
            count, attempt.action, attempt.outcome, who.name, who.address, str(error).strip(),
        )  # fmt: skip
