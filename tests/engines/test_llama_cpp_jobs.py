"""Many jobs at once in the llama.cpp engine, aborts, the end, and rubbish on the socket."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.driver import EngineGone, EngineProcess, engine_python
from tests.engines.llama_cases import ENGINE, greedy, loaded
from xplatform.engines.protocol import Load

pytestmark = pytest.mark.engine


def test_more_requests_than_slots_all_end(plain: EngineProcess) -> None:
    alone = plain.chat("hello 3", greedy(max_tokens=30)).text()
    answers = {}
    for number in range(12):
        messages = [{"role": "user", "content": f"hello {number}"}]
        answers[f"many-{number}"] = plain.submit(
            f"many-{number}", "chat", {"messages": messages}, greedy(max_tokens=30)
        )
    plain.finish(*answers)
    for answer in answers.values():
        assert answer.usage.completion_tokens == 30
    assert answers["many-3"].text() == alone


def test_two_slots_run_side_by_side(plain: EngineProcess) -> None:
    for rid in ("left", "right"):
        plain.submit(rid, "completion", {"prompt": rid}, greedy(max_tokens=300, ignore_eos=True))
    while not all(len(plain.answers[rid].deltas) > 20 for rid in ("left", "right")):
        plain.pump()
    assert not plain.answers["left"].deltas[-1].done
    plain.finish("left", "right")


def until(engine: EngineProcess, condition: Callable[[], bool], seconds: float = 5.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it does not come true"
        engine.stats()
        time.sleep(0.01)
    return time.monotonic() - began


def test_abort_frees_the_slot_of_a_running_request(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"], slots=1, context_length=2000) as engine:
        answer = engine.submit("long", "completion", {"prompt": "hello"}, greedy(ignore_eos=True))
        while len(answer.deltas) < 5:
            engine.pump()
        began = time.monotonic()
        engine.abort("long")
        engine.finish("long")
        assert (answer.finish(), answer.deltas[-1].done) == ("abort", True)
        engine.chat("next", greedy(max_tokens=1))
        assert time.monotonic() - began < 1.0
        assert len(answer.deltas) < 1500, "it was not stopped"


def test_abort_of_a_waiting_request_leaves_the_running_ones(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"], slots=1, context_length=1500) as engine:
        sampling = greedy(ignore_eos=True, max_tokens=1400)
        running = engine.submit("running", "completion", {"prompt": "hello"}, sampling)
        waiting = [f"waiting-{number}" for number in range(6)]
        for rid in waiting:
            engine.submit(rid, "completion", {"prompt": rid}, sampling)
        engine.abort(*waiting, "unknown")
        engine.finish(*waiting)
        assert not running.deltas or not running.deltas[-1].done
        assert all(engine.answers[rid].finish() == "abort" for rid in waiting)
        assert all(not engine.answers[rid].counted for rid in waiting)
        engine.finish("running")
        assert running.usage.completion_tokens == 1400
        until(engine, lambda: engine.stats()["running"] == 0)


def test_abort_of_all_choices(plain: EngineProcess) -> None:
    answer = plain.submit(
        "choices", "completion", {"prompt": "hello"}, greedy(ignore_eos=True, n=4)
    )
    while len(answer.deltas) < 5:
        plain.pump()
    plain.abort("choices")
    plain.finish("choices")
    assert answer.deltas[-1].finish == "abort"
    for _ in plain.messages_for(0.3):
        pass  # the driver fails on deltas behind the end
    until(plain, lambda: plain.stats() == {"running": 0.0, "waiting": 0.0, "jobs": 0.0})


def test_drain_waits_for_what_runs(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"], slots=2, context_length=800) as engine:
        sampling = greedy(max_tokens=400, ignore_eos=True)
        answers = [
            engine.submit(f"d{number}", "completion", {"prompt": "hello"}, sampling)
            for number in range(3)
        ]
        engine.drain()
        assert all(answer.deltas[-1].done for answer in answers)
        assert engine.shutdown() == 0


def test_shutdown_while_a_request_runs(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"], slots=1, context_length=2000) as engine:
        answer = engine.submit("long", "completion", {"prompt": "hello"}, greedy(ignore_eos=True))
        while not answer.deltas:
            engine.pump()
        began = time.monotonic()
        assert engine.shutdown() == 0
        assert time.monotonic() - began < 5


def test_pulses_and_stats(plain: EngineProcess) -> None:
    assert set(plain.stats()) >= {"running", "waiting"}
    before = len(plain.pulses)
    for _ in plain.messages_for(1.5):
        pass
    assert len(plain.pulses) > before


@pytest.mark.parametrize("rubbish", [b"\xc1rubbish", b"", b"\x93\xa4nope\x01\x02"])
def test_rubbish_on_the_socket_ends_the_process(plain: EngineProcess, rubbish: bytes) -> None:
    with EngineProcess(ENGINE, engine_python(ENGINE)) as engine:
        engine.send_raw(rubbish)
        with pytest.raises(EngineGone):
            while True:
                engine.receive()
        assert engine.process.wait(10) == 0


def test_an_absurd_length_ends_the_process(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"]) as engine:
        engine.socket.sendall(b"\xff\xff\xff\xff")
        assert engine.process.wait(10) == 0


def test_the_engine_goes_when_the_worker_goes(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"]) as engine:
        engine.submit("x", "completion", {"prompt": "hello"}, greedy(ignore_eos=True))
        engine.socket.close()
        assert engine.process.wait(10) == 0


def test_a_second_load_is_out_of_order(gguf: dict[str, Path]) -> None:
    with loaded(gguf["plain"]) as engine:
        engine.send(Load(str(gguf["plain"])))
        assert engine.process.wait(10) == 0
