"""What people keep for themselves: favourites, launches to use again, launches not to be listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit import api as audit
from apps.models.models import Keepsake
from xplatform.core.errors import Conflict

Kind = Keepsake.Kind

#: of one kind for one person: lists that people read, not a store
MOST = 1000


def kept(owner: str, kind: Kind) -> list[Keepsake]:
    """By name."""
    return list(Keepsake.objects.filter(owner=owner, kind=kind))


def keep(
    owner: str, kind: Kind, name: str, uid: str = "", data: dict[str, Any] | None = None
) -> None:
    """Once more is the same as once; ``data`` goes over what was kept before. Raises Conflict."""
    own = Keepsake.objects.filter(owner=owner, kind=kind)
    with transaction.atomic():
        if not own.filter(name=name, uid=uid).exists() and own.count() >= MOST:
            raise Conflict(f"You keep {MOST} of these already; remove some first.")
        before = own.filter(name=name, uid=uid).values_list("data", flat=True).first() or {}
        Keepsake.objects.update_or_create(
            owner=owner,
            kind=kind,
            name=name,
            uid=uid,
            defaults={"data": before | (data or {}), "changed": timezone.now()},
        )
        audit.record(owner, f"keepsake.{kind.value}", "keepsake", name, after={"uid": uid})


def drop(owner: str, kind: Kind, name: str, uid: str = "") -> bool:
    """Whether it was kept."""
    with transaction.atomic():
        rows = Keepsake.objects.filter(owner=owner, kind=kind, name=name, uid=uid)
        gone = bool(rows.delete()[0])
        if gone:
            audit.record(owner, "keepsake.drop", "keepsake", name, before={"kind": kind.value})
    return gone


def drop_others(owner: str, kind: Kind, those: Iterable[tuple[str, str]]) -> None:
    """All but these, each by its name and uid."""
    staying = set(those)
    for keepsake in kept(owner, kind):
        if (keepsake.name, keepsake.uid) not in staying:
            drop(owner, kind, keepsake.name, keepsake.uid)
