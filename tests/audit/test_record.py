"""One entry for each change: what is in it, and that nobody changes it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import api, signing
from apps.audit.models import AppendOnly, Entry

ADA = SimpleNamespace(name="ada", key_id="k1", address="10.1.2.3", project="blue", user_id=7)


def an_entry(**values: Any) -> Entry:
    values = {"actor": ADA, "action": "launch.start", "thing": "launch", "thing_id": "m"} | values
    api.record(**values)
    return Entry.objects.latest("id")


@pytest.mark.django_db
def test_who_what_when_and_from_where() -> None:
    entry = an_entry(project="blue", before={"a": 1, "b": 2}, after={"a": 1, "b": 3}, why="asked")
    assert (entry.who, entry.user, entry.key, entry.address) == ("ada", 7, "k1", "10.1.2.3")
    assert (entry.action, entry.thing, entry.thing_id) == ("launch.start", "launch", "m")
    assert (entry.project, entry.outcome, entry.why, entry.count) == ("blue", "done", "asked", 1)
    # Only what differs.
    assert (json.loads(entry.before), json.loads(entry.after)) == ({"b": 2}, {"b": 3})
    values = {name: getattr(entry, name) for name in signing.SIGNED}
    assert signing.is_genuine(signing.all_keys()[entry.signed_by], entry.signature, values)


@pytest.mark.django_db
def test_a_mere_name_is_completed_from_the_request() -> None:
    with api.within(api.Acting(address="10.9.9.9", request="req-1")):
        assert an_entry(actor="join token x").who == "join token x"
        api.acting(ADA)
        entry = an_entry(actor="somebody")
        assert (entry.who, entry.key, entry.user) == ("ada", "k1", 7)
        assert (entry.address, entry.request) == ("10.1.2.3", "req-1")
        assert an_entry(actor=None).who == "ada"
    alone = an_entry(actor="control")
    assert (alone.who, alone.key, alone.address, alone.request) == ("control", "", "", "")
    assert an_entry(actor=None).who == "nobody"


@pytest.mark.django_db
def test_it_goes_with_the_change() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        an_entry()
        raise ZeroDivisionError
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_the_orm_refuses_changes() -> None:
    entry = an_entry()
    for change in (
        entry.save,
        entry.delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(who="eve"),
        lambda: Entry.objects.bulk_update([entry], ["who"]),
        lambda: Entry.objects.update_or_create(pk=entry.pk, defaults={"who": "eve"}),
    ):
        with pytest.raises(AppendOnly):
            change()
    assert Entry.objects.get().who == "ada"


def test_the_database_refuses_changes(guarded: None) -> None:
    an_entry()
    statements = [
        "UPDATE audit_entry SET who = 'eve'",
        "UPDATE audit_entry SET signature = ''",
        "DELETE FROM audit_entry",
    ]
    if connection.vendor == "postgresql":
        statements.append("TRUNCATE audit_entry")
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="written once"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert Entry.objects.get().who == "ada"


@pytest.mark.django_db
def test_odd_characters_and_lengths() -> None:
    odd = "a\0b\ud800" + "x" * 5000
    entry = an_entry(thing_id=odd, why=odd, after={odd: odd, "n": float("nan"), "s": {3, 1}})
    assert len(entry.thing_id) == 200 and entry.thing_id.startswith("ab?x")
    assert len(entry.why) == 2000
    assert json.loads(entry.after)["s"] == [1, 3]
    huge = an_entry(after={f"n{i}": "y" * 1000 for i in range(50)})
    assert json.loads(huge.after)["too_long"] > 16_000
