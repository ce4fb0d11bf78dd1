"""Who acts now: what an action's name of a person leaves out.

Set for each request by the middleware and completed by whoever finds out who it is
(``acting``); a command sets it for its process. An action that runs without either (the control
plane's own) has none.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


class Who(Protocol):
    """What is recorded of whoever acts. Any object will do: this app knows nobody."""

    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def project(self) -> str: ...


@dataclass(slots=True)
class Acting:
    name: str = ""
    user_id: int | None = None
    key_id: str = ""
    address: str = ""
    project: str = ""
    #: id of the request, and its method and path, or the command
    request: str = ""
    via: str = ""
    #: a command on the server's own machine, whatever its actions call whoever types it
    at_the_machine: bool = False


_now: ContextVar[Acting | None] = ContextVar("acting", default=None)


def now() -> Acting | None:
    return _now.get()


def acting(who: Who) -> None:
    """From here on it is this one, to the end of the request or command."""
    found = _now.get()
    if found is None:
        return
    found.name, found.key_id, found.project = who.name, who.key_id, who.project
    found.user_id = getattr(who, "user_id", None)
    found.address = who.address or found.address


@contextmanager
def within(acting: Acting) -> Iterator[Acting]:
    token = _now.set(acting)
    try:
        yield acting
    finally:
        _now.reset(token)


@contextmanager
def at_the_machine(command: str) -> Iterator[Acting]:
    """Within it, whatever is recorded was done by the operator, by this command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    via = f"manage.py {command} ({user})"
    with within(Acting(name="operator", via=via, at_the_machine=True)) as acting:
        yield acting
