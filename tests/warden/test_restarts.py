"""Services that are restarted, and a server that is stopped, over the control socket."""

from __future__ import annotations

import urllib.request

import pytest

from tests.warden.conftest import Warden, until
from xplatform.warden.client import RestartReport, WardenAway, WardenClient, WardenError


def finished(client: WardenClient, restart: RestartReport) -> RestartReport:
    def look() -> RestartReport | None:
        found = next(r for r in client.restarts() if r.id == restart.id)
        return found if found.finished else None

    return until(look, 30)


def test_a_service_is_replaced(warden: Warden) -> None:
    warden.start()
    client = warden.client()
    assert list(client.services()) == ["broker", "web", "control"]
    before, broker = warden.pid_of(" control"), warden.pid_of("valkey")
    asked = client.restart("control")
    assert (asked.name, asked.status, asked.finished) == ("control", "draining", None)
    done = finished(client, asked)
    assert (done.status, done.error) == ("ready", "")
    after = warden.pid_of(" control")
    assert after
    assert after != before
    assert warden.pid_of("valkey") == broker
    assert not warden.ended()


def test_requests_wait_while_the_only_web_process_is_replaced(warden: Warden) -> None:
    warden.start()
    client = warden.client()
    before = warden.get("/")
    with urllib.request.urlopen(f"http://127.0.0.1:{warden.port}/slow=20", timeout=30) as slow:
        assert slow.read(1) == b"."
        asked = client.restart("web")
        # What ran is finished by the old one.
        assert slow.read() == b"." * 19 + before
    assert finished(client, asked).status == "ready"
    assert warden.get("/", 30) != before


def test_of_several_one_after_the_other(warden: Warden) -> None:
    warden.start("--web-processes", "2")
    client = warden.client()
    before = {pid for pid, line in warden.processes().items() if " web " in line}
    asked = client.restart("web")
    assert finished(client, asked).status == "ready"
    after = {pid for pid, line in warden.processes().items() if " web " in line}
    assert len(after) == 2
    assert not after & before


def test_again_and_again_is_no_failure_of_the_service(warden: Warden) -> None:
    warden.start()
    client = warden.client()
    for _ in range(4):
        assert finished(client, client.restart("control")).status == "ready"
    assert not warden.ended()
    assert len(client.restarts()) == 4


def test_asked_twice(warden: Warden) -> None:
    warden.start(STAND_IN_CONTROL="stubborn")
    client = warden.client()
    first = client.restart("control", "mine")
    assert first.id == "mine"
    assert client.restart("control", "mine").started == first.started
    with pytest.raises(WardenError, match="being restarted already"):
        client.restart("control", "another")
    with pytest.raises(WardenError, match="there are: broker, web, control"):
        client.restart("kitchen")


def test_the_server_is_stopped(warden: Warden) -> None:
    warden.start()
    client = warden.client()
    client.shutdown()
    assert warden.code() == 0
    assert not warden.processes()
    with pytest.raises(WardenAway):
        client.services()
