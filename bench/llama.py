"""llama.cpp through the API against the same engine called in one process, in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load, processes, tiny_llm
from bench.load import Load, Result, percentile
from bench.report import Report, quiet, table
from bench.server import ROOT, Server, engine_python, serving

GROUP = "llama"
TOKENS = 64
CONTEXT = 1024
#: streams → (requests in a round, in a quick one)
ROUNDS = {1: (40, 20), 8: (160, 80), 32: (320, 128), 128: (640, 256)}
#: what Xinference 4.1.0 did with such a model on such a machine: tok/s, first token p50 in ms
RECORDED = {
    1: ((656, 773), (20, 20)),
    8: ((768, 1012), (83, 114)),
    32: ((804, 1088), (409, 633)),
    128: ((807, 1141), (2714, 4125)),
}


@dataclass(frozen=True, slots=True)
class Setup:
    """The same for both sides. ``threads`` 0: what each takes by itself."""

    uid: str
    path: Path
    slots: int
    threads: int
    tokens: int


class RawEngine:
    """``raw_llama.py`` in the engine's own environment."""

    def __init__(self, python: Path, setup: Setup) -> None:
        spec = {
            "path": str(setup.path),
            "slots": setup.slots,
            "threads": setup.threads,
            "context": CONTEXT,
        }
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("raw_llama.py")), json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._line() != "ready":
            raise RuntimeError("the engine alone did not start")

    def run(self, streams: int, tokens: int, prompts: list[str]) -> dict[str, Any]:
        job = {"streams": streams, "tokens": tokens, "prompts": prompts}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        meter = processes.Meter(self._process.pid)
        answer: dict[str, Any] = json.loads(self._line())
        answer["noise"] = meter.stop().noise
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def bench(report: Report) -> None:
    python = engine_python("llama.cpp")
    if python is None:
        report.skip(GROUP, "llama.cpp", "85 % of the engine alone", "the engine is not installed")
        return
    tiny = tiny_llm.make(ROOT / "build" / "bench" / "tiny-llm.gguf")
    demo = ROOT / "apps" / "models" / "demo" / "demo.gguf"
    with serving() as server:
        # Two slots and one thread: what Xinference takes on two cores, and had when recorded.
        setup = Setup("tiny", tiny, 2, 1, TOKENS)
        _tiny_rows(report, setup, _pairs(report, server, python, setup, tuple(ROUNDS)))
        # With 2 slots most of the time to the first token is the wait for one, in the engine
        # alone as well; whoever has more streams takes more slots.
        setup = Setup("tiny-wide", tiny, 16, 1, TOKENS)
        _tiny_rows(report, setup, _pairs(report, server, python, setup, (8, 32, 128)))
        print("* Recorded on such a machine, not in this run: tok/s and first token in ms of "
              "Xinference 4.1.0 at " + "; ".join(
                  f"{streams}: {speeds[0]}–{speeds[1]}, {firsts[0]}–{firsts[1]}"
                  for streams, (speeds, firsts) in RECORDED.items()
              ))  # fmt: skip
        if demo.exists():
            setup = Setup("demo-bench", demo, 4, 1, TOKENS)
            _demo_rows(report, _pairs(report, server, python, setup, (8, 32)))


Pair = tuple[Result, dict[str, Any]]


def _pairs(
    report: Report, server: Server, python: Path, setup: Setup, levels: tuple[int, ...]
) -> Iterator[tuple[int, list[Pair]]]:
    """For each number of streams: rounds of both sides, one after the other."""
    options = {"n_threads": setup.threads, "n_threads_batch": setup.threads}
    server.launch(
        setup.uid,
        engine="llama.cpp",
        model_path=str(setup.path),
        slots=setup.slots,
        context_length=CONTEXT,
        options=options if setup.threads else {},
    )
    with alone_in(python, setup) as raw:
        lines: list[list[Any]] = []
        found: list[tuple[int, list[Pair]]] = []
        load.run(_load(server, setup, 4, 8, 0))  # warm
        for streams in levels:
            total = ROUNDS[streams][report.quick]

            def turn(number: int, streams: int = streams, total: int = total) -> Pair:
                # The same prompts for both, and never twice, so that no cache helps.
                first = streams * 100_000 + number * 10_000
                through = load.run(_load(server, setup, streams, total, first))
                prompts = [load.prompt(first + i) for i in range(total)]
                return through, raw.run(streams, setup.tokens, prompts)

            pairs = report.rounds(1 if report.quick else 3, turn, _noise)
            lines.extend(_line(streams, i, *pair) for i, pair in enumerate(pairs))
            found.append((streams, pairs))
            report.raw[f"llama.{setup.uid}.{streams}"] = [
                {"api": through.summary(), "alone": {**alone, "first_ms": None}}
                for through, alone in pairs
            ]
        columns = (
            "streams", "round", "tok/s", "alone", "share", "first p50 ms", "alone ",
            "gap p99 ms", "errors", "engine µs/tok", "web", "replica", "broker", "client",
            "others' CPU", "(alone)",
        )  # fmt: skip
        print(table(
            f"{setup.uid}: {setup.slots} slots, {setup.threads or 'default'} thread(s), "
            f"{setup.tokens} tokens", columns, lines,
        ))  # fmt: skip
        for error in list(dict.fromkeys(e for _, p in found for r, _ in p for e in r.errors))[:3]:
            print("  ", error)
    server.terminate(setup.uid)
    yield from found


def _load(server: Server, setup: Setup, streams: int, total: int, first: int) -> Load:
    return Load(
        server.url, "/v1/chat/completions", server.key, streams, total,
        lambda number: load.chat_body(setup.uid, number, setup.tokens),
        load.check_stream, first, server.root,
    )  # fmt: skip


@contextmanager
def alone_in(python: Path, setup: Setup) -> Iterator[RawEngine]:
    raw = RawEngine(python, setup)
    try:
        yield raw
    finally:
        raw.close()


def _line(streams: int, turn: int, through: Result, alone: dict[str, Any]) -> list[Any]:
    return [
        streams, turn + 1, through.tokens_per_s, alone["tokens"] / alone["wall_s"],
        f"{_share(through, alone):.0%}", percentile(through.first_ms, 50),
        percentile(alone["first_ms"], 50), percentile(through.gap_ms, 99), len(through.errors),
        *(through.us_per_token(role) for role in ("engine", "web", "replica", "broker")),
        through.cpu.client / max(1, through.tokens) * 1e6,
        f"{through.cpu.noise:.0%}", f"{alone['noise']:.0%}",
    ]  # fmt: skip


def _share(through: Result, alone: dict[str, Any]) -> float:
    return through.tokens_per_s / float(alone["tokens"] / alone["wall_s"])


def _noise(pair: Pair) -> float:
    """Both sides must have had the machine for themselves."""
    return max(pair[0].cpu.noise, float(pair[1]["noise"]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one number of streams, by the rounds that count."""

    streams: int
    speed: float
    #: of what the engine alone can do: with more streams than slots its own threads get into each
    #: other's way, so it is its best with this many streams or fewer
    share: float
    #: of what it does with as many streams
    same: float
    first_ms: float
    own_first_ms: float
    errors: int
    noise: float


def _outcomes(found: Iterable[tuple[int, list[Pair]]]) -> Iterator[Outcome]:
    ceiling = 0.0
    for streams, pairs in found:
        counted = quiet(pairs, _noise)
        alone = [float(raw["tokens"] / raw["wall_s"]) for _, raw in counted]
        ceiling = max(ceiling, statistics.median(alone))
        speed = statistics.median(through.tokens_per_s for through, _ in counted)
        # Round by round where we can: what others did to the machine then hits both.
        share = statistics.median(_share(*pair) for pair in counted)
        yield Outcome(
            streams,
            speed,
            min(share, speed / ceiling),
            share,
            statistics.median(percentile(through.first_ms, 50) for through, _ in counted),
            statistics.median(percentile(raw["first_ms"], 50) for _, raw in counted),
            sum(len(through.errors) for through, _ in pairs),
            max(map(_noise, counted)),
        )


def _tiny_rows(report: Report, setup: Setup, found: Iterable[tuple[int, list[Pair]]]) -> None:
    for it in _outcomes(found):
        (slow, fast), (early, late) = RECORDED[it.streams]
        report.row(
            GROUP,
            f"tiny LLM, {setup.slots} slots, {it.streams} streams",
            f"{it.speed:,.0f} tok/s, {it.share:.0%} of the engine alone ({it.speed / fast:.1f}–"
            f"{it.speed / slow:.1f} × Xinference*); first token {it.first_ms:.0f} ms, engine alone "
            f"{it.own_first_ms:.0f} ({it.first_ms / late:.2f}–{it.first_ms / early:.2f} × "
            "Xinference*)",
            "3 × and ½ × Xinference*; aim 85 %",
            not it.errors and it.speed >= 3 * fast and it.first_ms <= 0.5 * late,
            it.noise,
        )


def _demo_rows(report: Report, found: Iterable[tuple[int, list[Pair]]]) -> None:
    for it in _outcomes(found):
        report.row(
            GROUP,
            f"demo model, {it.streams} streams",
            f"{it.speed:,.0f} tok/s, {it.same:.0%} of the engine alone with as many streams "
            f"({it.share:.0%} of its best), {it.errors} errors",
            "85 % of the engine alone",
            it.same >= 0.85 and not it.errors,
            it.noise,
        )
