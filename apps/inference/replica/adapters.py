"""The adapters of a replica: which it shall have, and which its engine has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from xplatform.engines.protocol import Adapter

#: a request for an adapter that is not there yet waits for it this long
EARLY_SECONDS = 5.0


class Asked(msgspec.Struct, frozen=True):
    """As the launch has it; ``path`` is empty when its files are not on this node."""

    name: str
    path: str = ""
    scale: float = 1.0


class AdapterSet:
    def __init__(self, asked: Sequence[Asked]) -> None:
        self._wanted = _adapters(asked)
        self._has: tuple[Adapter, ...] = ()
        #: what jobs may name
        self.names: tuple[str, ...] = ()
        self.changing = False
        #: keys of jobs that wait for an adapter → since when
        self.early: dict[str, float] = {}

    def begin(self) -> tuple[Adapter, ...]:
        """For an engine that loads now."""
        self._has = self._wanted
        self.names = tuple(adapter.name for adapter in self._has)
        return self._has

    def ask(self, asked: Sequence[Asked]) -> None:
        self._wanted = _adapters(asked)

    def unmet(self) -> tuple[Adapter, ...] | None:
        return None if self._wanted == self._has else self._wanted

    def met(self, wanted: tuple[Adapter, ...], names: tuple[str, ...]) -> None:
        """The engine answered; what it refused is not asked for again, unless it changes."""
        self._has, self.names = wanted, names

    @contextmanager
    def change(self) -> Iterator[None]:
        self.changing = True
        try:
            yield
        finally:
            self.changing = False

    # -- jobs that come too early -------------------------------------------------------------

    def can(self, name: str) -> bool:
        return name in self.names

    def wait(self, key: str) -> None:
        self.early[key] = time.monotonic()

    def take_early(self, patience: float) -> list[str]:
        """Those that have waited for so long."""
        until = time.monotonic() - patience
        keys = [key for key, since in self.early.items() if since <= until]
        for key in keys:
            del self.early[key]
        return keys


def _adapters(asked: Sequence[Asked]) -> tuple[Adapter, ...]:
    return tuple(Adapter(one.name, one.path, one.scale) for one in asked)
