"""Events by id, filtered: the one way to read them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.models.events.settled import newest_id, settled
from apps.models.models import Event
from apps.models.pictures import EventInfo, event_info
from xplatform.core.errors import InvalidValue

MAX_LIMIT = 1000
MAX_ID = 2**63 - 1
_DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events somebody wants; empty: all."""

    model: str = ""
    node: str = ""
    replica: str = ""
    #: of this project's models; None: of all, and of nodes, which belong to none
    project: str | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], project: str | None = None) -> Choice:
        """``project``: what the reader may see, whatever the query says. Raises InvalidValue."""
        replica = query.get("replica", "")
        if replica:
            try:
                replica = str(uuid.UUID(replica))
            except ValueError:
                raise InvalidValue(
                    f"`replica` {replica[:50]!r} is no id of a replica.", param="replica"
                ) from None
        return cls(query.get("model", ""), query.get("node", ""), replica, project)

    @property
    def lookup(self) -> dict[str, Any]:
        wanted = {"uid": self.model, "node": self.node, "replica": self.replica}
        found = {name: value for name, value in wanted.items() if value}
        return found if self.project is None else {**found, "project": self.project}

    def takes(self, event: EventInfo) -> bool:
        return (
            (not self.model or event.uid == self.model)
            and (not self.node or event.node == self.node)
            and (not self.replica or event.replica == self.replica)
            and self.project in (None, event.project)
        )


@dataclass(frozen=True, slots=True)
class Page:
    #: newest last
    events: list[EventInfo]
    #: to go on from: nothing that was asked for lies between the last event and this id
    last_id: int
    #: there are further ones behind ``last_id``
    more: bool


def newest(choice: Choice, limit: int = _DEFAULT_LIMIT, before: int | None = None) -> Page:
    """The last ones, or the last ones before an id."""
    end = settled.look()
    top = end if before is None else min(end, before - 1)
    rows = Event.objects.filter(id__lte=top, **choice.lookup).order_by("-id")[:limit]
    events = [event_info(row) for row in reversed(rows)]
    last = end if before is None else events[-1].id if events else top
    return Page(events, last, more=last < end)


def following(
    after: int, choice: Choice, limit: int = _DEFAULT_LIMIT, end: int | None = None
) -> Page:
    """The first ones after an id, up to ``end`` or to the newest."""
    end = settled.look() if end is None else end
    if limit == 0:
        return Page([], after, more=after < end)
    rows = Event.objects.filter(id__gt=after, id__lte=end, **choice.lookup).order_by("id")
    events = [event_info(row) for row in rows[: limit + 1]]
    if len(events) > limit:
        return Page(events[:limit], events[limit - 1].id, more=True)
    return Page(events, max(after, end), more=False)


def events(
    after_id: int = 0,
    uid: str | None = None,
    node: str | None = None,
    replica: str | None = None,
    limit: int = _DEFAULT_LIMIT,
    project: str | None = None,
) -> list[EventInfo]:
    """What happened after an event, newest last; with ``after_id`` 0 the last ones. ``project``:
    only of this one's models; None: of all."""
    query = {"model": uid or "", "node": node or "", "replica": replica or ""}
    choice = Choice.read(query, project)
    page = following(after_id, choice, limit) if after_id > 0 else newest(choice, limit)
    return page.events


def events_behind(after: int, project: str | None, limit: int) -> Page:
    """The first ones behind an id, which may be 0; with how far the history has been read."""
    return following(after, Choice(project=project), limit)


def last_event() -> int:
    """The id up to which the history is complete: the state that is read after this, and all
    events behind it, are fresh state."""
    return settled.look()


def is_foreign(after: int) -> bool:
    """An id that this history has never had: it was put back, or is another server's."""
    return after > newest_id()


def read_number(
    query: Mapping[str, str], name: str, least: int, most: int, default: int | None
) -> int | None:
    """A number of a query; raises InvalidValue."""
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise InvalidValue(f"`{name}` {text[:50]!r} is no whole number.", param=name)
    value = int(text)
    if not least <= value <= most:
        raise InvalidValue(f"`{name}` is {value}; it must be from {least} to {most}.", param=name)
    return value
