"""Registrations in and out: our own form, and Xinference's, so that its users' files and clients
work unchanged. Mistakes are named by field."""

from __future__ import annotations

from typing import Any

from xplatform.core.errors import InvalidValue

from . import xinference_in
from .checks import family_from_json
from .library import KINDS, Library, library
from .schema import Family, Kind
from .xinference_out import size_shown, to_xinference


def kind_of(name: str, param: str = "model_type") -> Kind:
    """Our kind for what Xinference's clients write: "LLM", "embedding", "image", …"""
    for kind in KINDS:
        if kind == name.lower():
            return kind
    raise InvalidValue(
        f"There is no model type {name!r}; there are: {', '.join(KINDS)}.",
        param=param,
        data={"allowed": list(KINDS)},
    )


def type_of(kind: str) -> str:
    """The kind as Xinference spells it: language models are "LLM"."""
    return "LLM" if kind == "llm" else kind


def from_xinference(kind: str, given: Any, known: Library | None = None) -> Family:
    """``known``: where a variant's ``model_family`` is looked up, for what it leaves out."""
    families = known if known is not None else library()
    wanted = kind_of(kind)
    return xinference_in.from_xinference(wanted, given, lambda name: families.get(name, wanted))


def family_from(kind: str, given: Any, known: Library | None = None) -> Family:
    """Either form: ours has ``name`` or ``specs``, theirs ``model_name`` and more."""
    if isinstance(given, dict) and "model_name" not in given and {"name", "specs"} & given.keys():
        family = family_from_json(given)
        if family.kind != kind_of(kind):
            raise InvalidValue(
                f"kind is {family.kind!r}, but the registration is for {kind!r}.", param="kind"
            )
        return family
    return from_xinference(kind, given, known)


__all__ = [
    "family_from",
    "family_from_json",
    "from_xinference",
    "kind_of",
    "size_shown",
    "to_xinference",
    "type_of",
]
