"""With a real engine and greedy decoding, a continued text equals an undisturbed run's."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.clients import Call, chat_body
from tests.support.server import Server, serving

pytestmark = pytest.mark.engine

QUESTIONS = ("What is xplatform?", "How do I start it?", "Who are you?", "Tell me about engines.")


@pytest.fixture(scope="module")
def server(engine_environment: Callable[[str], Path]) -> Iterator[Server]:
    engine_environment("llama.cpp")
    with serving() as made:
        yield made


def body_of(question: str, *, stream: bool = True) -> dict[str, Any]:
    body = chat_body("demo", stream=stream, max_tokens=200, temperature=0)
    return {**body, "messages": [{"role": "user", "content": question}]}


@pytest.fixture(scope="module")
def undisturbed(server: Server) -> dict[str, str]:
    texts = {}
    for question in QUESTIONS:
        call = Call(server, body_of(question)).result(120)
        assert call.complete, call
        assert len(call.text.split()) > 8, call
        again = Call(server, body_of(question, stream=False)).result(60)
        assert again.text == call.text, "greedy decoding gives two texts"
        texts[question] = call.text
    return texts


def victim(server: Server, who: str) -> int:
    """Of those that run now, not of those that we killed before."""
    assert Call(server, chat_body("demo", max_tokens=1)).result(60).status == 200
    return server.engine_pid("demo") if who == "engine" else server.replica_pid("demo")


@contextlib.contextmanager
def slowed(pid: int) -> Iterator[None]:
    """The demo model ends before one can kill anything: let its engine sleep most of the time."""
    over = threading.Event()

    def work() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.is_set():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.03)
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.003)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("who", ["engine", "replica"])
@pytest.mark.parametrize("words", [1, 5])
def test_a_stream_goes_on_as_if_nothing_had_happened(
    server: Server, undisturbed: dict[str, str], who: str, words: int
) -> None:
    missed = 0
    for question, text in undisturbed.items():
        pid = victim(server, who)
        seen: list[str] = []

        def kill(said: str, pid: int = pid, seen: list[str] = seen) -> None:
            if len(said.split()) >= words and not seen:
                os.kill(pid, signal.SIGKILL)
                seen.append(said)

        with slowed(server.engine_pid("demo")):
            call = Call(server, body_of(question), on_text=kill).result(60)
        assert call.complete, call
        assert call.text == text
        missed += seen[0] == text
        if who == "replica":
            break  # one takes seconds
    assert missed < len(QUESTIONS), "all had ended before the kill"


def test_several_at_once_go_on(server: Server, undisturbed: dict[str, str]) -> None:
    pid = victim(server, "engine")
    with slowed(pid):
        calls = {question: Call(server, body_of(question)) for question in QUESTIONS}
        for call in calls.values():
            call.at(1)
        os.kill(pid, signal.SIGKILL)
    for question, call in calls.items():
        assert call.result(60).complete, call
        assert call.text == undisturbed[question]


def test_answers_in_one_piece_are_the_same_too(server: Server, undisturbed: dict[str, str]) -> None:
    pid = victim(server, "engine")
    calls = {question: Call(server, body_of(question, stream=False)) for question in QUESTIONS}
    os.kill(pid, signal.SIGKILL)
    for question, call in calls.items():
        assert call.result(60).text == undisturbed[question], call
