"""Removing what is old: the beginning of the chain, and a signed row that says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from apps.audit import chain, signing
from apps.audit.models import Entry, Pruned
from apps.audit.recording import record
from xplatform.core.config import settings

#: entries removed in one transaction
_BATCH = 20_000


def prune_old(who: str) -> int:
    """By the setting ``audit_days``."""
    days = settings().audit_days
    return prune(timezone.now() - timedelta(days=days), who) if days else 0


def prune(before: datetime, who: str) -> int:
    """Remove entries older than this, from the beginning of the chain up to the first one that is
    not. Returns how many."""
    total = 0
    while count := _prune_some(before, who):
        total += count
    if total:
        up_to = chain.base().seq
        record(
            who, "audit.prune", "audit", after={"removed": total, "up_to": up_to, "before": before}
        )
    return total


def _prune_some(before: datetime, who: str) -> int:
    with transaction.atomic():
        head = chain.locked_head()
        base = chain.base()
        sealed = Entry.objects.filter(seq__gt=base.seq).order_by("seq")
        kept = sealed.filter(at__gte=before).values_list("seq", flat=True).first()
        up_to = min(head.seq if kept is None else kept - 1, base.seq + _BATCH)
        last = sealed.filter(seq__lte=up_to).last()
        if last is None or last.seq is None:
            return 0
        rows = sealed.filter(seq__lte=last.seq).count()
        signed_by, signature = signing.sign_pruned(last.seq, last.link, rows)
        # First: the trigger lets go what this row names.
        Pruned.objects.create(
            up_to=last.seq, link=last.link, rows=rows, who=who[:150],
            signed_by=signed_by, signature=signature,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_entry WHERE seq <= %s", [last.seq])
        return rows
