"""The database is locked or gone: running models keep serving, and it heals when it is back."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.chaos.clients import stream, whole
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 10}, slots=2)
        yield made


def serves(server: Server, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stream(server, "m", 5).counted(5, timeout=10)
        whole(server, "m", 5).counted(5, timeout=10)
        assert server.get("/v1/models").status == 200
        assert server.get("/healthz").status == 200
        time.sleep(0.2)


def test_a_locked_database_disturbs_no_request(server: Server) -> None:
    lock = sqlite3.connect(server.home / "xplatform.sqlite3", isolation_level=None)
    call = stream(server, "m", 600).at(5)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        # The caches are refreshed every ten seconds.
        serves(server, 12)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    call.counted(600)
    server.launch("after", options={"step_ms": 1}, slots=1)
    assert server.request("DELETE", "/api/launches/after").status == 200


@contextmanager
def rubbish_instead(folder: Path) -> Iterator[None]:
    """The database's files are taken away and put back so that no process finds half of them.

    What stands in the log is written into the file first: a process that opened the file just
    before it went, and looks for the log just after, sees all that was ever written.
    """
    main = folder / "xplatform.sqlite3"
    away = folder / "away"
    away.mkdir()

    def checkpointed() -> bool:
        with closing(sqlite3.connect(main, timeout=5)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    wait_for(checkpointed, "the log to be written into the database", 30)
    os.link(main, away / main.name)
    rubbish = folder / "rubbish"
    rubbish.write_bytes(b"this is no database, it is rubbish\n" * 1000)
    rubbish.replace(main)
    logs = [folder / f"{main.name}{end}" for end in ("-wal", "-shm")]
    present = [log for log in logs if log.exists()]
    for log in present:
        log.rename(away / log.name)
    try:
        yield
    finally:
        for log in logs:
            log.unlink(missing_ok=True)
        for log in present:
            (away / log.name).rename(log)
        (away / main.name).replace(main)


def test_a_damaged_database_disturbs_no_request(server: Server) -> None:
    """As if the disk gave rubbish: every query fails at once."""
    web, control = server.pid("web"), server.pid("control")
    with rubbish_instead(server.home):
        serves(server, 12)
        answer = server.post("/api/launches", {"uid": "x", "engine": "fake", "model_path": "/x"})
        assert b"Traceback" not in answer.body
    assert (server.pid("web"), server.pid("control")) == (web, control)
    serves(server, 1)
    wait_for(lambda: server.get("/api/launches").status == 200, "the console", 30)
    server.launch("later", options={"step_ms": 1}, slots=1)
    whole(server, "later", 3).counted(3)
