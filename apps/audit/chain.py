"""The sealer: gives entries their places in the chain, in the order in which it finds them.

It runs on the control plane's ticker each second, and before a verification. A change never waits
for it: chaining inside a change's transaction would make all changes of the world wait for the
slowest. What that costs is said in DESIGN.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from apps.audit import heads, signing
from apps.audit.models import Entry, Head, Pruned

#: in one transaction
_BATCH = 2_000

_PLACE = "UPDATE audit_entry SET seq = %s, link = %s WHERE id = %s AND seq IS NULL"


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain ends, or begins after entries were pruned."""

    seq: int = 0
    link: str = signing.BEGINNING


def seal() -> int:
    """Chain all entries that are there. Returns how many. Raises DatabaseError."""
    sealed = 0
    while Entry.objects.filter(seq=None).exists():
        count = _seal_some()
        sealed += count
        if not count:
            break
    if sealed:
        heads.note(head())
    return sealed


def _seal_some() -> int:
    with transaction.atomic():
        end = locked_head()
        rows = Entry.objects.filter(seq=None).order_by("id")
        waiting = list(rows.values_list("id", "signed_by", "signature")[:_BATCH])
        keys = signing.all_keys()
        _, current = signing.current()
        seq, link = end.seq, end.link
        places = []
        for pk, signed_by, signature in waiting:
            seq += 1
            # One that was signed with a secret nobody knows is found by the verification.
            link = signing.link(keys.get(signed_by, current), link, seq, signature)
            places.append((seq, link, pk))
        with connection.cursor() as cursor:
            cursor.executemany(_PLACE, places)
        if places:
            Head.objects.filter(pk=1).update(seq=seq, link=link)
        return len(places)


def locked_head() -> Head:
    """Only one at a time: within a transaction, the row is the lock of sealing and pruning."""
    Head.objects.get_or_create(pk=1)
    return Head.objects.select_for_update().get(pk=1)


def head() -> End:
    found = Head.objects.filter(pk=1).first()
    return End(found.seq, found.link) if found else End()


def base() -> End:
    """What the first entry that is left follows."""
    found = Pruned.objects.order_by("-up_to").first()
    return End(found.up_to, found.link) if found else End()
