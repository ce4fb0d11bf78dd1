"""Whose a thing is: the one place that looks up what a path names, before anything is done with it.

Apps register how things of theirs are found. Nobody is told whether a thing of another project
exists: it is answered as one that nobody has ever heard of, in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Found", "Kind", "find", "noun", "project_of", "register"]


@dataclass(frozen=True, slots=True)
class Found:
    #: slug of the project that it belongs to
    project: str
    #: other projects see it and use it; only its own changes it
    shared: bool = False


#: by all parameters of the path, since some things are named by several
Look = Callable[[Mapping[str, str]], Found | None]


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    #: "There is no <noun> 'x'."
    noun: str
    look: Look


_KINDS: Final[dict[str, Kind]] = {}


def register(name: str, look: Look, noun: str = "") -> None:
    """``look`` is given the parameters of the path; None: there is no such thing."""
    _KINDS[name] = Kind(name, noun or name, look)


def find(kind: str, parameters: Mapping[str, str]) -> Found | None:
    """Raises KeyError for a kind that nobody registered: the matrix names it wrongly."""
    return _KINDS[kind].look(parameters)


def project_of(kind: str, **parameters: str) -> str | None:
    found = find(kind, parameters)
    return found.project if found else None


def noun(kind: str) -> str:
    return _KINDS[kind].noun
