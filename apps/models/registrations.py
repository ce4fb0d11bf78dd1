"""Families that people add to the catalogue, as records. Editing one makes a new version; launches
keep the version that they were made from. ``actions.registering`` changes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Q

from apps.models.catalogue.schema import Family
from apps.models.models import Kind, Registration
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, NotFound

#: a family, or what is to be checked against its form
Given = Family | dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegistrationInfo:
    kind: str
    name: str
    version: int
    family: Family
    owner: str
    shared: bool
    created: datetime


def registrations(kind: str | None = None, user: str | None = None) -> list[RegistrationInfo]:
    """Newest versions. ``user``: what this one may see: shared ones and its own; None: all."""
    rows = Registration.objects.filter(current=True)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if user is not None:
        rows = rows.filter(Q(shared=True) | Q(owner=user))
    return [picture(row) for row in rows.order_by("kind", "name")]


def registration(
    kind: str, name: str, user: str | None = None, version: int | None = None
) -> RegistrationInfo:
    """One of them; an old version by its number. Raises NotFound."""
    rows = Registration.objects.filter(kind=kind, name=name)
    rows = rows.filter(current=True) if version is None else rows.filter(version=version)
    if user is not None:
        rows = rows.filter(Q(shared=True) | Q(owner=user))
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


def own(kind: str, name: str, by: str) -> Registration:
    """The newest version, locked, for somebody who may change it. Raises NotFound, Forbidden."""
    row: Registration | None = current(kind, name).select_for_update().first()
    if row is None or not (row.shared or not by or row.owner == by):
        raise _missing(kind, name)
    if by and row.owner and row.owner != by:
        raise Forbidden(f"{name!r} was registered by {row.owner}.", param="name")
    return row


def write(family: Family, owner: str, shared: bool) -> Registration:
    """A new version; an older current one has to be none any more."""
    versions = Registration.objects.filter(kind=family.kind, name=family.name)
    newest = versions.order_by("-version").values_list("version", flat=True).first() or 0
    return Registration.objects.create(
        kind=family.kind,
        name=family.name,
        version=newest + 1,
        family=msgspec.to_builtins(family),
        owner=owner,
        shared=shared,
    )


def picture(row: Registration) -> RegistrationInfo:
    return RegistrationInfo(
        kind=row.kind,
        name=row.name,
        version=row.version,
        family=msgspec.convert(row.family, Family),
        owner=row.owner,
        shared=row.shared,
        created=row.created,
    )


def taken(family: Family) -> Conflict:
    return Conflict(
        f"The {family.kind} model {family.name!r} is registered already; edit it, or choose another"
        " name.",
        param="name",
    )


def _missing(kind: str, name: str) -> NotFound:
    if kind not in Kind.values:
        kinds = ", ".join(Kind.values)
        return NotFound(f"There is no kind {kind[:50]!r}; there are: {kinds}.", param="kind")
    return NotFound(f"There is no registration of {kind} {name[:100]!r}.", param="name")
