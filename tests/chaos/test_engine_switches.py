"""One launch for each way in which an engine can fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.clients import stream, whole
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_ENGINE_STALL_TIMEOUT="3") as made:
        yield made


@pytest.fixture
def once(tmp_path: Path) -> dict[str, object]:
    """Fail in the first process only."""
    return {"once_file": str(tmp_path / "happened"), "step_ms": 20}


def end(server: Server, uid: str) -> None:
    assert server.request("DELETE", f"/api/launches/{uid}").status == 200


def test_dying_in_load_is_told_with_its_last_words(server: Server) -> None:
    server.launch("dies", options={"die_in_load": 7}, wait=False)
    wait_for(lambda: server.get("/v1/models/dies").status == 200, "the model to be known")
    calls = [whole(server, "dies", 3), stream(server, "dies", 3)]
    for call in calls:
        call.result(90)
        assert call.error is not None, call
        assert call.error["code"] == "engine_start_failed"
        assert "exited with code 7" in call.error["message"]
        assert "fake engine: dying in load, as told" in call.error["message"]
        assert "Traceback" not in call.error["message"]
    assert calls[0].status == 503
    # Known by now: the next one is told at once.
    again = whole(server, "dies", 3).result(30)
    assert again.status == 503
    assert again.seconds < 15
    assert server.launch_state("dies")["state"] == "failed"
    end(server, "dies")


def test_no_memory_in_load_is_told(server: Server) -> None:
    server.launch("big", options={"out_of_memory": True}, wait=False)
    wait_for(lambda: server.get("/v1/models/big").status == 200, "the model to be known")
    call = whole(server, "big", 3).result(90)
    assert call.status == 503
    assert call.error is not None
    assert "out of memory while loading the model" in call.error["message"]
    end(server, "big")


def test_a_wrong_option_is_told(server: Server) -> None:
    server.launch("wrong", options={"no_such_switch": 1}, wait=False)
    wait_for(lambda: server.get("/v1/models/wrong").status == 200, "the model to be known")
    call = whole(server, "wrong", 3).result(90)
    assert call.status == 503
    assert call.error is not None
    assert "no_such_switch" in call.error["message"]
    end(server, "wrong")


def test_dying_at_a_token_is_healed(server: Server, once: dict[str, object]) -> None:
    server.launch("mortal", options={**once, "die_at_token": 30}, slots=4)
    calls = [stream(server, "mortal", 60), whole(server, "mortal", 60)]
    for call in calls:
        call.counted(60)
    assert Path(str(once["once_file"])).exists()
    end(server, "mortal")


def test_hanging_at_a_token_is_noticed(server: Server, once: dict[str, object]) -> None:
    """The process lives and says so every second, but makes no step."""
    server.launch("hangs", options={**once, "hang_at_token": 30}, slots=4)
    began = time.monotonic()
    calls = [stream(server, "hangs", 60), whole(server, "hangs", 60)]
    for call in calls:
        call.counted(60)
    assert time.monotonic() - began >= 3
    end(server, "hangs")


def test_garbage_instead_of_frames_is_healed(server: Server, once: dict[str, object]) -> None:
    server.launch("garbles", options={**once, "garbage_at_token": 30}, slots=4)
    calls = [stream(server, "garbles", 60), whole(server, "garbles", 60)]
    for call in calls:
        call.counted(60)
    end(server, "garbles")


def test_a_request_that_kills_every_engine_ends_with_an_error(server: Server) -> None:
    server.launch("cursed", options={"die_at_token": 5, "step_ms": 1}, slots=2)
    harmless = [whole(server, "cursed", 3) for _ in range(3)]
    for call in harmless:
        call.counted(3)
    deadly = whole(server, "cursed", 10).result(200)
    assert deadly.status == 503
    assert deadly.error is not None
    assert deadly.error["code"] in ("engine_died", "engine_start_failed")
    assert int(deadly.headers["retry-after"]) >= 1
    end(server, "cursed")
