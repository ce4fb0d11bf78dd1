"""Families as Xinference lists them: the catalogue's, and those that people registered."""

from __future__ import annotations

from typing import Any

from apps.models import api
from apps.models.catalogue.convert import to_xinference, type_of
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family
from xplatform.core.errors import NotFound


def of_kind(kind: str, project: str | None) -> list[tuple[Family, bool]]:
    """By name, each with whether it came with the platform. A registration goes before a family
    of its name."""
    own = {info.name: info.family for info in api.registrations(kind, project)}
    found = [(family, False) for family in own.values()]
    found += [(family, True) for family in library().families(kind) if family.name not in own]
    return sorted(found, key=lambda pair: pair[0].name.lower())


def one(name: str, kind: str, project: str | None) -> tuple[Family, bool]:
    """Raises NotFound, which offers close names."""
    try:
        return api.registration(kind, name, project).family, False
    except NotFound:
        pass
    family = library().get(name, kind)
    if family is None:
        close = library().near(name, kind)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise NotFound(
            f"There is no {type_of(kind)} model {name[:100]!r}.{hint}", param="model_name"
        )
    return family, True


def shown(
    pair: tuple[Family, bool], *, detailed: bool = True, every_hub: bool = True
) -> dict[str, Any]:
    family, built_in = pair
    if not detailed:
        return {"model_name": family.name, "is_builtin": built_in}
    shape = to_xinference(family, built_in=built_in, every_hub=every_hub)
    return {**shape, "model_type": type_of(family.kind)}
