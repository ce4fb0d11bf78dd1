"""Families that people add to the catalogue, as records. Editing one makes a new version; launches
keep the version that they were made from. ``actions.registering`` changes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from apps.models.catalogue.schema import Family
from apps.models.models import Kind, Registration
from apps.models.pictures import seen_by
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, NotFound

#: a family, or what is to be checked against its form
Given = Family | dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegistrationInfo:
    kind: str
    name: str
    version: int
    family: Family
    project: str
    owner: str
    shared: bool
    created: datetime


def registrations(
    kind: str | None = None, project: str | None = None, name: str | None = None
) -> list[RegistrationInfo]:
    """Newest versions. ``project``: what this one sees, its own and shared ones; None: all."""
    rows = Registration.objects.filter(seen_by(project, ""), current=True)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if name is not None:
        rows = rows.filter(name=name)
    return [picture(row) for row in rows.order_by("kind", "name")]


def registration(
    kind: str, name: str, project: str | None = None, version: int | None = None
) -> RegistrationInfo:
    """One of them; an old version by its number. Raises NotFound."""
    rows = Registration.objects.filter(seen_by(project, ""), kind=kind, name=name)
    rows = rows.filter(current=True) if version is None else rows.filter(version=version)
    row = rows.first()
    if row is None:
        raise _missing(kind, name)
    return picture(row)


def check_family(family: Given) -> Family:
    """Against the schema of the catalogue. Raises InvalidValue, which names the field."""
    raw = msgspec.to_builtins(family) if isinstance(family, Family) else family
    try:
        return msgspec.convert(raw, Family)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or _named(text)
        where = f"`{field}`: " if field else ""
        raise InvalidValue(
            f"The registration is wrong. {where}{text}.", param=field or None
        ) from None


def _named(text: str) -> str:
    """The field within "Object missing required field `name`"."""
    return text.split("`")[1] if text.count("`") >= 2 else ""


def current(kind: str, name: str) -> Any:
    return Registration.objects.filter(kind=kind, name=name, current=True)


def own(kind: str, name: str, within: str | None) -> Registration:
    """The newest version, locked, for somebody who changes it within a project; None: in any.
    Raises NotFound, also for one of another project, and Forbidden if that shares it."""
    row: Registration | None = current(kind, name).select_for_update().first()
    if row is None or (within not in (None, row.project) and not row.shared):
        raise _missing(kind, name)
    if within not in (None, row.project):
        raise Forbidden(f"{name!r} is shared by another project, which alone changes it.")
    return row


def write(family: Family, project: str, owner: str, shared: bool) -> Registration:
    """A new version; an older current one has to be none any more."""
    versions = Registration.objects.filter(kind=family.kind, name=family.name)
    newest = versions.order_by("-version").values_list("version", flat=True).first() or 0
    return Registration.objects.create(
        kind=family.kind,
        name=family.name,
        version=newest + 1,
        family=msgspec.to_builtins(family),
        project=project,
        owner=owner,
        shared=shared,
    )


def picture(row: Registration) -> RegistrationInfo:
    return RegistrationInfo(
        kind=row.kind,
        name=row.name,
        version=row.version,
        family=msgspec.convert(row.family, Family),
        project=row.project,
        owner=row.owner,
        shared=row.shared,
        created=row.created,
    )


def taken(family: Family) -> Conflict:
    """The same words whosever it is."""
    return Conflict(
        f"The {family.kind} model {family.name!r} is registered already; choose another name, or"
        " edit the registration that has it.",
        param="name",
    )


def _missing(kind: str, name: str) -> NotFound:
    if kind not in Kind.values:
        kinds = ", ".join(Kind.values)
        return NotFound(f"There is no kind {kind[:50]!r}; there are: {kinds}.", param="kind")
    return NotFound(f"There is no registration of {kind} {name[:100]!r}.", param="name")
