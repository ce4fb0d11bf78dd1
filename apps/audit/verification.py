"""Is the chain whole? Each entry that was changed, added, taken away or moved is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from apps.audit import chain, heads, signing
from apps.audit.models import Entry, Pruned

_CHUNK = 2_000
#: problems that are told one by one
_MOST_TOLD = 100
#: the sealer runs each second
_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    #: place in the chain, and the row's id, as far as there are such
    seq: int | None = None
    id: int | None = None


@dataclass(slots=True)
class Verdict:
    #: entries that were looked at, and where the chain begins and ends
    entries: int = 0
    first: int = 0
    last: int = 0
    head: str = ""
    #: entries without a place yet
    waiting: int = 0
    pruned_up_to: int = 0
    problems: list[Problem] = field(default_factory=list)
    #: all of them, told or not
    problem_count: int = 0

    @property
    def whole(self) -> bool:
        return not self.problem_count

    def add(self, what: str, seq: int | None = None, id: int | None = None) -> None:
        self.problem_count += 1
        if len(self.problems) < _MOST_TOLD:
            self.problems.append(Problem(what, seq, id))


def verify(known: chain.End | None = None) -> Verdict:
    """``known``: an end of the chain that somebody kept elsewhere."""
    verdict = Verdict()
    keys = signing.all_keys()
    # First what is remembered, then where the end is: entries are sealed meanwhile.
    places = _to_remember(known)
    head = chain.head()
    _check_pruned(verdict, keys)
    last = _check_chain(verdict, keys, head.seq, places)
    if head.seq > last.seq:
        verdict.add(_missing(last.seq + 1, head.seq) + " at the end", last.seq + 1)
    elif head.link != last.link:
        verdict.add("The end of the chain is not where it was written to be", last.seq)
    _check_remembered(verdict, places, last)
    _check_waiting(verdict, keys)
    _check_copies(verdict)
    verdict.last, verdict.head = last.seq, last.link
    return verdict


def _check_pruned(verdict: Verdict, keys: dict[str, bytes]) -> None:
    for row in Pruned.objects.order_by("up_to"):
        key = keys.get(row.signed_by)
        if key is None or not signing.pruned_is_genuine(
            key, row.signature, row.up_to, row.link, row.rows
        ):
            verdict.add(
                f"Entries up to {row.up_to} were removed, and not by this server", row.up_to
            )


def _check_chain(
    verdict: Verdict, keys: dict[str, bytes], until: int, places: dict[int, heads.Noted]
) -> chain.End:
    end = chain.base()
    verdict.pruned_up_to = end.seq
    for row in _rows(verdict.pruned_up_to, until):
        seq, pk, link = row["seq"], row["id"], row["link"]
        if seq <= verdict.pruned_up_to:
            verdict.add("An entry lies where all were removed", seq, pk)
            continue
        gap = seq > end.seq + 1
        if gap:
            # It may be that it was pruned meanwhile.
            base = chain.base()
            if base.seq > verdict.pruned_up_to and base.seq >= seq - 1:
                verdict.pruned_up_to = base.seq
                end = base
                if seq <= base.seq:
                    continue
                gap = False
            else:
                verdict.add(_missing(end.seq + 1, seq - 1), end.seq + 1)
        verdict.entries += 1
        verdict.first = verdict.first or seq
        key = keys.get(row["signed_by"])
        follows = gap or (key and signing.link(key, end.link, seq, row["signature"]) == link)
        if problem := _wrong_content(key, row):
            verdict.add(problem, seq, pk)
        elif not follows:
            verdict.add(f"Entry {seq} does not follow entry {end.seq}", seq, pk)
        if (remembered := places.pop(seq, None)) and remembered.link != link:
            verdict.add(f"Entry {seq} is not the one that was there at {remembered.at}", seq, pk)
        end = chain.End(seq, link)
    return end


def _wrong_content(key: bytes | None, row: dict[str, Any]) -> str:
    name = f"Entry {row['seq']}" if row["seq"] else "An entry that waits for its place"
    if key is None:
        return f"{name} is signed with the secret {row['signed_by']!r}, which is not here"
    values = {name: row[name] for name in signing.SIGNED}
    if not signing.is_genuine(key, row["signature"], values):
        return f"{name} was changed, or not written by this server"
    return ""


def _rows(after: int, until: int) -> Iterator[dict[str, Any]]:
    """In chunks of their own queries, so that no reader holds on to a large result."""
    # Those that are left over below come first.
    names = [*signing.SIGNED, "id", "signed_by", "signature", "seq", "link"]
    entries = Entry.objects.order_by("seq").values(*names)
    yield from entries.filter(seq__lte=after)[:_MOST_TOLD]
    while rows := list(entries.filter(seq__gt=after, seq__lte=until)[:_CHUNK]):
        yield from rows
        after = rows[-1]["seq"]


def _to_remember(known: chain.End | None) -> dict[int, heads.Noted]:
    places = {one.seq: one for one in heads.noted()}
    if known is not None:
        places[known.seq] = heads.Noted("the time it was kept", known.seq, known.link)
    return places


def _check_remembered(verdict: Verdict, left: dict[int, heads.Noted], last: chain.End) -> None:
    beyond = [one for one in left.values() if one.seq > last.seq]
    if beyond:
        furthest = max(beyond, key=lambda one: one.seq)
        verdict.add(
            f"{_missing(last.seq + 1, furthest.seq)} at the end: there were {furthest.seq} at"
            f" {furthest.at}",
            last.seq + 1,
        )


def _check_waiting(verdict: Verdict, keys: dict[str, bytes]) -> None:
    names = [*signing.SIGNED, "id", "signed_by", "signature", "seq"]
    verdict.waiting = Entry.objects.filter(seq=None).count()
    waiting = Entry.objects.filter(seq=None).order_by("id").values(*names)[:_CHUNK]
    late = timezone.now() - _LATE
    for row in waiting:
        if problem := _wrong_content(keys.get(row["signed_by"]), row):
            verdict.add(problem, id=row["id"])
        elif row["at"] < late:
            verdict.add(
                "An entry waits for its place since"
                f" {row['at'].isoformat(timespec='seconds')}: does the control plane run?",
                id=row["id"],
            )


def _check_copies(verdict: Verdict) -> None:
    copies = Entry.objects.order_by().values("uid").annotate(n=Count("id")).filter(n__gt=1)
    for row in copies[:_MOST_TOLD]:
        ids = Entry.objects.filter(uid=row["uid"]).order_by("id").values_list("id", "seq")
        for pk, seq in list(ids)[1:]:
            verdict.add("An entry was copied", seq, pk)


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Entry {first} is missing"
    return f"Entries {first} to {last} are missing"
