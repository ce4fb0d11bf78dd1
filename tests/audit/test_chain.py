"""The chain: it is whole whatever happens at once, and whoever meddles with it is found."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit import api, chain, guards, heads
from apps.audit.models import Entry, Head, Pruned
from tests.audit.test_record import an_entry
from tests.support.at_once import at_once

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def noted_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of heads, a test's own."""
    file = tmp_path / "audit.heads"
    monkeypatch.setattr(heads, "path", lambda: file)
    return file


@pytest.fixture
def entries(guarded: None) -> list[Entry]:
    """Ten in the chain; what meddles with them has the rights of the database's owner."""
    for number in range(10):
        an_entry(thing_id=f"m{number}", after={"n": number})
    assert api.seal() == 10
    assert api.verify().whole
    guards.remove(connection)
    return list(Entry.objects.order_by("seq"))


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def problems() -> list[str]:
    return [problem.what for problem in api.verify().problems]


def test_it_grows(guarded: None) -> None:
    assert api.seal() == 0
    assert api.verify() == api.Verdict()
    for number in range(3):
        an_entry(thing_id=number)
        an_entry(thing_id=number)
        assert api.seal() == 2
    an_entry()
    verdict = api.verify()
    assert verdict.whole
    assert (verdict.entries, verdict.first, verdict.last, verdict.waiting) == (6, 1, 6, 1)
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
        execute("UPDATE audit_entry SET seq = 100 WHERE seq = 1")


@pytest.mark.parametrize(
    "column, value",
    [
        ("who", "'eve'"), ("at", "'2020-01-01 00:00:00'"), ("outcome", "'failed'"),
        ("after", "'{}'"), ("count", "2"), ("address", "''"), ("project", "'red'"),
        ("why", "'x'"), ("request", "'x'"), ("via", "'x'"), ("thing_id", "'other'"),
        ('"user"', "NULL"), ("signature", "'00'"),
    ],
)  # fmt: skip
def test_a_changed_entry(entries: list[Entry], column: str, value: str) -> None:
    execute(f"UPDATE audit_entry SET {column} = {value} WHERE seq = 4")
    assert problems() == ["Entry 4 was changed, or not written by this server"]
    assert api.verify().problems[0].id == entries[3].pk


def test_a_changed_entry_before_it_has_a_place(entries: list[Entry]) -> None:
    late = an_entry()
    execute(f"UPDATE audit_entry SET who = 'eve' WHERE id = {late.pk}")
    assert problems() == [
        "An entry that waits for its place was changed, or not written by this server"
    ]
    api.seal()
    assert problems() == ["Entry 11 was changed, or not written by this server"]


def test_a_missing_entry(entries: list[Entry]) -> None:
    execute("DELETE FROM audit_entry WHERE seq = 4")
    assert problems() == ["Entry 4 is missing"]
    execute("DELETE FROM audit_entry WHERE seq IN (1, 5, 6)")
    assert problems() == ["Entry 1 is missing", "Entries 4 to 6 are missing"]


def test_missing_and_closed_up(entries: list[Entry]) -> None:
    execute("DELETE FROM audit_entry WHERE seq = 4")
    execute("UPDATE audit_entry SET seq = -seq WHERE seq > 4")
    execute("UPDATE audit_entry SET seq = -seq - 1 WHERE seq < 0")
    execute("UPDATE audit_head SET seq = 9")
    found = problems()
    assert found[0] == "Entry 4 does not follow entry 3"


def test_exchanged(entries: list[Entry]) -> None:
    execute("UPDATE audit_entry SET seq = 100 WHERE seq = 3")
    execute("UPDATE audit_entry SET seq = 3 WHERE seq = 7")
    execute("UPDATE audit_entry SET seq = 7 WHERE seq = 100")
    found = problems()
    assert found[0] == "Entry 3 does not follow entry 2"
    assert "Entry 7 does not follow entry 6" in found


COLUMNS = (
    'uid, at, who, "user", key, address, action, thing, thing_id, project, before, after,'
    " outcome, why, request, via, count, signed_by, signature"
)


def test_inserted(entries: list[Entry]) -> None:
    """A forged one at the end, as the server itself would write it but for the secret."""
    new = COLUMNS.replace("uid", "'00000000000000000000000000000001'").replace("who", "'eve'")
    execute(
        f"INSERT INTO audit_entry ({COLUMNS}, link) SELECT {new}, '' FROM audit_entry WHERE seq = 2"
    )
    api.seal()
    assert problems() == ["Entry 11 was changed, or not written by this server"]


def test_copied(entries: list[Entry]) -> None:
    """Its signature is right, but there was one of it already."""
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(
            f"INSERT INTO audit_entry ({COLUMNS}, link) SELECT {COLUMNS}, '' FROM audit_entry"
            " WHERE seq = 2"
        )
    assert api.verify().whole


def cut(upto: int, set_head: bool) -> None:
    execute(f"DELETE FROM audit_entry WHERE seq > {upto}")
    if set_head:
        link = Entry.objects.get(seq=upto).link
        execute(f"UPDATE audit_head SET seq = {upto}, link = '{link}'")


def test_cut_off(entries: list[Entry]) -> None:
    cut(7, set_head=False)
    assert problems()[0] == "Entries 8 to 10 are missing at the end"
    # The gap stays for ever: the chain goes on behind it.
    an_entry()
    api.seal()
    assert problems() == ["Entries 8 to 10 are missing"]


def test_cut_off_and_the_end_set_back(entries: list[Entry]) -> None:
    """The chain is whole in itself; the file of heads knows better."""
    cut(7, set_head=True)
    (found,) = problems()
    assert found.startswith("Entries 8 to 10 are missing at the end: there were 10 at 20")
    # … also when others take their places.
    for _ in range(5):
        an_entry()
    api.seal()
    (found,) = problems()
    assert found.startswith("Entry 10 is not the one that was there at 20")


def test_cut_off_by_one_who_has_the_file_too(entries: list[Entry], noted_heads: Path) -> None:
    kept = api.verify()
    cut(7, set_head=True)
    noted_heads.unlink()
    assert api.verify().whole
    (problem,) = api.verify(api.End(kept.last, kept.head)).problems
    assert problem.what.startswith("Entries 8 to 10 are missing at the end")


def test_another_end(entries: list[Entry]) -> None:
    execute("UPDATE audit_head SET link = 'x'")
    assert problems() == ["The end of the chain is not where it was written to be"]


def test_rewritten_by_one_without_the_secret(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it signed anew, with a secret of one's own."""
    from apps.audit import signing

    with monkeypatch.context() as patch:
        mine = signing._named("my own")
        patch.setattr(signing, "current", lambda: mine)
        patch.setattr(signing, "all_keys", lambda: dict([mine]))
        execute("DELETE FROM audit_entry")
        execute("UPDATE audit_head SET seq = 0, link = ''")
        for _ in range(10):
            an_entry(actor="eve")
        api.seal()
        assert api.verify().problem_count == 1  # the file of heads
    found = problems()
    assert len(found) == 11
    assert "which is not here" in found[0]


def test_pruning(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now - timedelta(days=10))
        for _ in range(5):
            an_entry()
    an_entry()
    assert api.prune(now - timedelta(days=1), "operator") == 0, "not in the chain yet"
    api.seal()
    assert api.prune(now - timedelta(days=1), "operator") == 5
    assert list(Entry.objects.order_by("id").values_list("seq", "action")) == [
        (6, "launch.start"),
        (None, "audit.prune"),
    ]
    api.seal()
    verdict = api.verify()
    assert verdict.whole
    assert (verdict.pruned_up_to, verdict.first, verdict.last, verdict.entries) == (5, 6, 7, 2)
    assert api.prune(now - timedelta(days=1), "operator") == 0
    # All of them: the chain goes on from what is signed.
    assert api.prune(now + timedelta(days=1), "operator") == 2
    api.seal()
    verdict = api.verify()
    assert verdict.whole and (verdict.first, verdict.last) == (8, 8)
    assert Pruned.objects.count() == 2
    for statement in ("DELETE FROM audit_pruned", "UPDATE audit_pruned SET rows = 1"):
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
            execute(statement)


def test_pruning_that_nobody_signed(entries: list[Entry]) -> None:
    link = entries[4].link
    execute(
        "INSERT INTO audit_pruned (at, up_to, link, rows, who, signed_by, signature)"
        f" VALUES ('2026-01-01', 5, '{link}', 5, 'x', '{entries[0].signed_by}', 'x')"
    )
    execute("DELETE FROM audit_entry WHERE seq <= 5")
    assert problems() == ["Entries up to 5 were removed, and not by this server"]


def test_a_true_pruning_does_not_hide_more(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several transactions; then more is taken away than was signed, or put back."""
    monkeypatch.setattr("apps.audit.retention._BATCH", 3)
    assert api.prune(entries[7].at, "operator") == 7
    api.seal()
    assert api.verify().whole
    assert [row.rows for row in Pruned.objects.all()] == [1, 3, 3]
    execute("DELETE FROM audit_entry WHERE seq = 8")
    assert problems() == ["Entry 8 is missing"]
    an_entry()
    execute("UPDATE audit_entry SET seq = 2 WHERE seq IS NULL")
    assert problems() == ["An entry lies where all were removed", "Entry 8 is missing"]


def test_the_secret_was_changed(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries stay true to the secret that signed them, as long as it is kept aside."""
    from apps.audit import signing

    old, new = signing.current(), signing._named("new")
    monkeypatch.setattr(signing, "current", lambda: new)
    monkeypatch.setattr(signing, "all_keys", lambda: dict([old, new]))
    an_entry()
    api.seal()
    assert api.verify().whole
    monkeypatch.setattr(signing, "all_keys", lambda: dict([new]))
    assert api.verify().problem_count == 10


def test_many_writers_and_sealers_at_once(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long and short changes, some undone, and several control planes that seal at the same time
    in batches that are too small: one chain with each entry once."""
    if connection.vendor == "sqlite":
        pytest.skip("its test database lives in memory: see test_processes_at_once")
    monkeypatch.setattr(chain, "_BATCH", 7)
    assert not at_once(9, lambda number: write(number, 25))
    api.seal()
    check_whole(180)
    assert Head.objects.get().seq == 180


def write(number: int, turns: int) -> None:
    for turn in range(turns):
        try:
            with transaction.atomic():
                an_entry(thing_id=f"{number}-{turn}")
                if turn % 5 == 0:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        if number % 3 == 0:
            api.seal()


def check_whole(count: int) -> None:
    verdict = api.verify()
    assert verdict.problems == []
    found = (verdict.first, verdict.last, verdict.entries, verdict.waiting)
    assert found == (1, count, count, 0)


_PROCESS = """
import sys, django
django.setup()
from tests.audit.test_chain import write
print(flush=True)
input()
write(int(sys.argv[1]), 25)
"""


@pytest.mark.slow
def test_processes_at_once(tmp_path: Path) -> None:
    """The same with SQLite as users have it: a file, and processes that write to it."""
    environ = {**os.environ, "XPLATFORM_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environ["DJANGO_SETTINGS_MODULE"] = "xplatform.settings"

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], env=environ, cwd=ROOT, capture_output=True, text=True
        )

    assert run("manage.py", "migrate").returncode == 0
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(number)],
            env=environ, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for number in range(4)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout and writer.stdout.readline() == b"\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    done = run("manage.py", "audit", "verify", "--json")
    verdict = json.loads(done.stdout)
    assert done.returncode == 0, verdict
    assert (verdict["entries"], verdict["last"], verdict["waiting"]) == (80, 80, 0)
    # … and the command says so when it is not.
    database = sqlite3.connect(tmp_path / "xplatform.sqlite3")
    with pytest.raises(sqlite3.IntegrityError, match="written once"):
        database.execute("DELETE FROM audit_entry WHERE seq = 7")
    database.execute("DROP TRIGGER audit_entry_delete")
    database.execute("DELETE FROM audit_entry WHERE seq = 7")
    database.commit()
    database.close()
    done = run("manage.py", "audit", "verify")
    assert done.returncode == 1
    assert "Entry 7 is missing." in done.stdout and "not whole" in done.stderr
