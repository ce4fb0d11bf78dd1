"""How long until a model answers: launched, and called while it is stopped (scale from zero),
against the time that its engine alone takes to start and load it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load, processes, tiny_llm
from bench.engine_alone import EngineAlone
from bench.report import Report, quiet, table
from bench.server import ROOT, Server, engine_python, serving, wait_for
from xplatform.engines.protocol import Load

GROUP = "starts"
ENGINE, SLOTS, CONTEXT = "llama.cpp", 4, 1024
LAUNCH = "launch of a tiny model, request to READY, above the engine's own load"
CALL = "first request to a stopped tiny model, above the engine's own load"
#: seconds above the engine's own
LAUNCH_LIMIT, CALL_LIMIT = 1.0, 1.5
#: it sleeps again soon, so that it can be woken again
IDLE = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """One round, in seconds."""

    #: engine process started, model loaded, by the engine alone
    own: float
    launched: float
    called: float
    noise: float


def bench(report: Report) -> None:
    python = engine_python(ENGINE)
    if python is None:
        for what, limit in ((LAUNCH, LAUNCH_LIMIT), (CALL, CALL_LIMIT)):
            report.skip(GROUP, what, f"{limit} s", f"the engine {ENGINE} is not installed")
        return
    path = tiny_llm.make(ROOT / "build" / "bench" / "tiny-llm.gguf")
    with serving("--no-demo") as server:
        model: dict[str, Any] = {
            "engine": ENGINE,
            "model_path": str(path),
            "slots": SLOTS,
            "context_length": CONTEXT,
        }
        server.launch(
            "sleeper", wait=False, min_replicas=0, max_replicas=1, idle_seconds=IDLE, **model
        )

        def turn(number: int) -> Start:
            own = _own(python, path)
            _until_gone(server)
            meter = processes.Meter(server.root)
            launched = _launch(server, model)
            usages = [meter.stop()]
            server.terminate("tiny")
            _until_gone(server)
            meter = processes.Meter(server.root)
            called = _call(server, number)
            usages.append(meter.stop())
            return Start(own, launched, called, max(usage.noise for usage in usages))

        # Once unmeasured, so that files are in memory for both sides.
        turn(0)
        starts = report.rounds(2 if report.quick else 7, turn, lambda start: start.noise)
    _show(report, starts)


def _own(python: Path, path: Path) -> float:
    began = time.perf_counter()
    with EngineAlone(ENGINE, str(python), Load(str(path), slots=SLOTS, context_length=CONTEXT)):
        return time.perf_counter() - began


def _launch(server: Server, model: dict[str, Any]) -> float:
    """From the order until the web process would give it requests."""
    began = time.perf_counter()
    server.launch("tiny", wait=False, **model)
    wait_for(lambda: server.state("tiny") == "ready", "tiny to be ready", 60, 0.005)
    return time.perf_counter() - began


def _call(server: Server, number: int) -> float:
    """From the request, of which nobody knew, until its answer of one token."""
    messages = [{"role": "user", "content": load.prompt(number)}]
    body = {"model": "sleeper", "messages": messages, "max_tokens": 1}
    began = time.perf_counter()
    status, answer = server.call("POST", "/v1/chat/completions", body)
    if status != 200:
        raise RuntimeError(f"the stopped model answered HTTP {status}: {answer[:300]!r}")
    return time.perf_counter() - began


def _until_gone(server: Server) -> None:
    """No model runs: the sleeper sleeps, and its processes have ended."""

    def gone() -> bool:
        roles = processes.tree(server.root).values()
        return not any(role.startswith(("replica", "engine")) for role in roles)

    wait_for(gone, "the models to have stopped", 60)


def _show(report: Report, starts: list[Start]) -> None:
    lines = [
        [i + 1, start.own, start.launched, start.called, f"{start.noise:.0%}"]
        for i, start in enumerate(starts)
    ]
    columns = ("round", "engine alone", "launched", "called when stopped", "others' CPU")
    print(table("tiny LLM on llama.cpp until it is ready, s", columns, lines))
    report.raw[GROUP] = [
        {"own": s.own, "launched": s.launched, "called": s.called, "noise": s.noise} for s in starts
    ]
    # The engine at its fastest: what others did to it must not make us look good.
    own = min(start.own for start in starts)
    counted = quiet(starts, lambda start: start.noise)
    noise = max(start.noise for start in counted)
    for what, limit, times in (
        (LAUNCH, LAUNCH_LIMIT, [start.launched for start in counted]),
        (CALL, CALL_LIMIT, [start.called for start in counted]),
    ):
        middle = statistics.median(times)
        report.row(
            GROUP,
            what,
            f"{middle - own:.2f} s ({middle:.2f} s, engine alone {own:.2f} s; worst "
            f"{max(times) - own:.2f} s above it)",
            f"{limit} s",
            middle - own <= limit,
            noise,
        )
