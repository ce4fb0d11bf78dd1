"""kill -9 of anything: the rest notices, says so and heals, or nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from http.client import RemoteDisconnected

import pytest

from tests.warden.conftest import STAND_IN, Warden, until


@pytest.mark.parametrize(
    ("service", "word"),
    [("web", "stand_in.py web"), ("control", "stand_in.py control"), ("broker", "valkey-server")],
)
def test_killed_service_is_started_again(warden: Warden, service: str, word: str) -> None:
    warden.start()
    killed = warden.pid_of(word)
    assert killed
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    until(lambda: warden.pid_of(word) not in (None, killed))
    assert time.monotonic() - began < 3
    assert f"{service} killed by SIGKILL; it is started again." in warden.text()
    warden.get("/readyz")
    assert not warden.ended()


def test_no_connection_is_refused_while_web_restarts(warden: Warden) -> None:
    warden.start()
    stop = threading.Event()
    problems: list[OSError] = []
    served: list[bytes] = []

    def client() -> None:
        while not stop.is_set() and not problems:
            try:
                served.append(warden.get("/pid"))
            except (ConnectionResetError, RemoteDisconnected):
                # It was with the process that was killed.
                continue
            except OSError as error:
                if not isinstance(getattr(error, "reason", None), ConnectionResetError):
                    problems.append(error)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        for _ in range(2):
            until(lambda: served or problems)
            # Between its fork and its program it has no name of its own.
            pid = until(lambda: warden.pid_of("stand_in.py web"))
            assert pid
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: problems or served[-1] != str(pid).encode())  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()
    assert problems == []


def test_settings_that_were_tidied_away_come_back(warden: Warden) -> None:
    warden.start()
    (warden.home / "run" / "settings.json").unlink()
    pid = warden.pid_of("stand_in.py control")
    assert pid
    os.kill(pid, signal.SIGKILL)
    until((warden.home / "run" / "settings.json").exists)


def test_broker_comes_back_over_its_stale_socket(warden: Warden) -> None:
    import redis

    warden.start()
    url = (
        f"unix://:{(warden.home / 'secrets' / 'broker').read_text()}@{warden.home}/run/broker.sock"
    )
    for _ in range(2):
        pid = warden.pid_of("valkey-server")
        assert pid
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: warden.pid_of("valkey-server") not in (None, pid))  # type: ignore[misc]

        def ping() -> bool:
            with redis.Redis.from_url(url) as client:
                try:
                    return bool(client.ping())
                except redis.ConnectionError:
                    return False

        until(ping)


def test_control_that_cannot_stay_up_stops_the_start_with_its_last_words(warden: Warden) -> None:
    # Web never says yes to /readyz here in the real server; the stand-in does, so look at the end.
    warden.run(STAND_IN_CONTROL="crash")
    assert warden.code(60) == 1
    text = warden.text()
    assert "control ended with code 1; it is started again." in text
    assert "control does not stay up (ended with code 1). Its last lines:" in text
    assert text.rstrip().endswith("the reason is written here")
    assert warden.processes() == {}


def test_killed_warden_leaves_nothing_and_the_next_start_works_at_once(warden: Warden) -> None:
    warden.start()
    warden.client().start("replica-a", [sys.executable, STAND_IN, "replica", "engine"])
    until(lambda: warden.pid_of("stand_in.py engine"))
    assert len(warden.processes()) == 5
    os.kill(warden.pid, signal.SIGKILL)
    warden.code()
    began = time.monotonic()
    warden.start(STAND_IN_SETUP="again")
    assert time.monotonic() - began < 5
    names = sorted(
        line.split("/")[-1].split()[1] for line in warden.processes().values() if "stand_in" in line
    )
    assert names == ["control", "web"]

    os.kill(warden.pid, signal.SIGKILL)
    warden.code()
    until(lambda: not warden.processes(), 10)


def test_killed_during_the_start(warden: Warden) -> None:
    for delay in (0.05, 0.3, 0.6):
        warden.run()
        time.sleep(delay)
        os.kill(warden.pid, signal.SIGKILL)
        warden.code()
    warden.start()


def test_frozen_child_is_killed_in_the_end(warden: Warden) -> None:
    warden.start()
    pid = warden.pid_of("stand_in.py control")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    os.kill(warden.pid, signal.SIGTERM)
    assert warden.code() == 0
    assert warden.processes() == {}
