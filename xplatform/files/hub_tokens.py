"""Tokens for the hubs that came with orders. They are kept in this process's memory and nowhere
else: a node's disk has only what its own operator put there, which comes first."""

from __future__ import annotations

_told: dict[str, str] = {}


def learn(hub: str, token: str) -> None:
    """The newest one counts; an empty one says that there is none any more."""
    if token:
        _told[hub] = token
    else:
        _told.pop(hub, None)


def told(hub: str) -> str:
    return _told.get(hub, "")
