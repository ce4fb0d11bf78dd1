"""The probe of an engine, and the set of its adapters, against an engine by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.inference.replica.adapters import AdapterSet, Asked
from apps.inference.replica.probe import Probe
from xplatform.engines.protocol import Adapter, Capabilities, Delta, Fault, Ready, Submit

LLM = Ready("llm", 4, 100, Capabilities(("chat", "completion")))


class Engine:
    """Answers as told, or not at all."""

    def __init__(self, probe: Probe, answer: Delta | None = None) -> None:
        self.probe, self.answer = probe, answer
        self.jobs: list[Submit] = []
        self.killed = ""
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def send(self, job: Submit) -> None:
        self.jobs.append(job)
        if self.answer is not None:
            self.probe.hear(Delta("someone else's", done=True))
            self.probe.hear(Delta(job.rid, text="x"))  # the token alone is not the end
            delta = self.answer
            self.probe.hear(Delta(job.rid, done=delta.done, fault=delta.fault))

    def kill(self, reason: str) -> None:
        self.killed = reason

    def die(self) -> None:
        self._end.set_result("died")

    async def wait_end(self) -> str:
        return await asyncio.shield(self._end)


async def look(engine: Any, ready: Ready = LLM) -> bool:
    async with asyncio.timeout(10):
        probe: Probe = engine.probe
        return await probe.look(engine, ready)


async def test_a_token_is_health() -> None:
    engine = Engine(Probe(30.0, 5.0), Delta("", done=True))
    assert await look(engine)
    (job,) = engine.jobs
    assert (job.kind, job.sampling.max_tokens) == ("completion", 1)
    assert engine.probe.seconds > 0
    assert engine.probe.result()["at"] > 0
    assert not engine.killed


async def test_no_token_in_time_ends_the_engine() -> None:
    engine = Engine(Probe(30.0, 0.05))
    assert not await look(engine)
    assert "gave no token" in engine.killed
    assert engine.probe.seconds == 0


async def test_a_failure_ends_it_and_a_refusal_does_not() -> None:
    failing = Engine(Probe(30.0, 5.0), Delta("", fault=Fault("engine", "out of memory")))
    assert not await look(failing)
    assert "out of memory" in failing.killed
    refusing = Engine(Probe(30.0, 5.0), Delta("", fault=Fault("invalid", "no such thing")))
    assert await look(refusing)
    assert not refusing.killed


async def test_an_engine_that_dies_meanwhile_is_not_killed_again() -> None:
    engine = Engine(Probe(30.0, 5.0))
    looking = asyncio.create_task(look(engine))
    await asyncio.sleep(0)
    engine.die()
    assert not await looking
    assert not engine.killed


@pytest.mark.parametrize(
    ("abilities", "kind"),
    [(("chat",), "chat"), (("embedding", "tokenize"), "embedding"), (("images",), None)],
)
async def test_each_kind_is_asked_for_the_least(
    abilities: tuple[str, ...], kind: str | None
) -> None:
    engine = Engine(Probe(30.0, 5.0), Delta("", done=True))
    assert await look(engine, Ready("x", 1, 1, Capabilities(abilities)))
    assert [job.kind for job in engine.jobs] == ([kind] if kind else [])


async def test_it_is_due_after_a_rest_only_and_can_be_off() -> None:
    probe = Probe(30.0, 5.0)
    probe.rest()
    now = probe._rests
    assert not probe.due(now + 29.9)
    assert probe.due(now + 30.1)
    assert not Probe(0.0, 5.0).due(now + 1e6)
    off = Engine(Probe(0.0, 5.0))
    assert await look(off)
    assert off.jobs == []


# --- adapters --------------------------------------------------------------------------------


def test_what_is_asked_for_is_unmet_until_the_engine_has_it() -> None:
    adapters = AdapterSet([Asked("a", "/a")])
    assert adapters.begin() == (Adapter("a", "/a"),)
    assert adapters.unmet() is None
    adapters.ask([Asked("a", "/a"), Asked("b", "/b", 0.5)])
    wanted = adapters.unmet()
    assert wanted == (Adapter("a", "/a"), Adapter("b", "/b", 0.5))
    assert not adapters.can("b")
    adapters.met(wanted, ("a", "b"))
    assert adapters.unmet() is None
    assert adapters.can("b")


def test_what_the_engine_refused_is_not_asked_for_for_ever() -> None:
    adapters = AdapterSet([])
    adapters.ask([Asked("bad", "/nowhere")])
    wanted = adapters.unmet()
    assert wanted is not None
    adapters.met(wanted, ())
    assert adapters.unmet() is None
    assert not adapters.can("bad")


def test_who_comes_too_early_is_kept_for_a_while() -> None:
    adapters = AdapterSet([])
    adapters.wait("job")
    assert adapters.take_early(60.0) == []
    assert adapters.take_early(0.0) == ["job"]
    assert adapters.take_early(0.0) == []
