"""The fake engine: what the way from HTTP to an engine and back costs, without a model."""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from typing import Any

from bench import load, processes
from bench.blocking import Wire
from bench.engine_alone import EngineAlone
from bench.load import Load, noise_of, percentile
from bench.report import Report, quiet, table
from bench.server import Server, serving, wait_for
from xplatform.engines.protocol import Load as LoadModel

GROUP = "streams"
TOKENS = 64
STEP_MS = 10.0
#: what streaming costs the platform; the engine process is listed apart
PLATFORM = ("web", "replica", "broker")


def bench(report: Report) -> None:
    _allow_files()
    with serving() as server:
        _many(report, server)
        _first_token(report, server)
        _thousand(report, server)


def _load(server: Server, model: str, streams: int, total: int, first: int) -> Load:
    return Load(
        server.url,
        "/v1/chat/completions",
        server.key,
        streams,
        total,
        lambda number: load.chat_body(model, number, TOKENS),
        load.check_counting(TOKENS),
        first,
        server.root,
    )


def _many(report: Report, server: Server) -> None:
    """128 streams, and what a token costs."""
    server.launch_fake("fake-128", 128, step_ms=STEP_MS)
    load.run(_load(server, "fake-128", 128, 128, 0))  # warm
    rounds = 1 if report.quick else 4
    total = 384 if report.quick else 1280
    results = report.rounds(
        rounds,
        lambda turn: load.run(_load(server, "fake-128", 128, total, 10_000 * (turn + 1))),
        noise_of,
    )
    server.terminate("fake-128")
    report.raw["streams.128"] = [result.summary() for result in results]
    lines: list[list[Any]] = []
    for i, result in enumerate(results):
        roles = [result.us_per_token(role) for role in (*PLATFORM, "engine", "control", "warden")]
        lines.append(
            [
                i + 1, result.tokens_per_s, len(result.errors),
                percentile(result.first_ms, 50), percentile(result.gap_ms, 99),
                result.us_per_token(*PLATFORM), *roles,
                result.cpu.client / result.tokens * 1e6 if result.tokens else 0.0,
                f"{result.cpu.noise:.0%}",
            ]
        )  # fmt: skip
    columns = (
        "round", "tok/s", "errors", "first p50 ms", "gap p99 ms", "µs/tok w+r+b",
        "web", "replica", "broker", "engine", "control", "warden", "client", "others' CPU",
    )  # fmt: skip
    print(table("128 streams, 64 tokens each, fake engine at 10 ms a step", columns, lines))
    counted = quiet(results, noise_of)
    noise = statistics.median(result.cpu.noise for result in counted)
    speed = statistics.median(result.tokens_per_s for result in counted)
    cost = statistics.median(result.us_per_token(*PLATFORM) for result in counted)
    errors = sum(len(result.errors) for result in results)
    limit = 128 / (STEP_MS / 1e3)
    report.row(
        GROUP,
        "128 streams of a 10 ms engine",
        f"{speed:,.0f} tok/s ({speed / limit:.0%} of the engine's {limit:,.0f}), {errors} errors",
        "12,000 tok/s, 0 errors",
        speed >= 12_000 and not errors,
        noise,
    )
    report.row(
        GROUP,
        "CPU of web + worker + broker per token",
        f"{cost:.0f} µs",
        "80 µs (Xinference recorded: 1,100–2,200)",
        cost <= 80,
        noise,
    )


def _first_token(report: Report, server: Server) -> None:
    """Through the API and straight to an engine process, in turn."""
    server.launch_fake("fake-1", 4, step_ms=STEP_MS)
    options = {"step_ms": STEP_MS}
    body = load.chat_body("fake-1", 1, 4)
    request = load.request_bytes(server.url, "/v1/chat/completions", body, server.key)
    payload = {"messages": body["messages"]}
    count = 60 if report.quick else 300
    through, alone = [], []
    wire = Wire(server.url)
    with EngineAlone("fake", sys.executable, LoadModel("", slots=4, options=options)) as engine:
        for _ in range(10):
            wire.first_text(request)
            engine.first_text(payload, 4)
        report.calm()
        meter = processes.Meter(server.root)
        for _ in range(count):
            # Not in step with anybody's timers.
            time.sleep(random.uniform(0.005, 0.025))
            alone.append(engine.first_text(payload, 4) * 1e3)
            time.sleep(random.uniform(0.005, 0.025))
            through.append(wire.first_text(request) * 1e3)
        usage = meter.stop()
    wire.close()
    server.terminate("fake-1")
    lines = [
        [name, *(percentile(values, point) for point in (50, 90, 99, 100))]
        for name, values in (("through the API", through), ("engine alone", alone))
    ]
    print(table("Time to first token, one stream, ms", ("", "p50", "p90", "p99", "max"), lines))
    print(f"others' CPU {usage.noise:.0%}")
    own = percentile(alone, 50)
    median, tail = percentile(through, 50) - own, percentile(through, 99) - own
    report.raw["streams.first"] = {
        "through_ms": [round(value, 2) for value in through],
        "alone_ms": [round(value, 2) for value in alone],
        "other_cpu_s": round(usage.other, 2),
    }
    report.row(
        GROUP,
        "First token above the engine's own",
        f"p50 {median:.1f} ms, p99 {tail:.1f} ms (the engine's own p99 is "
        f"{percentile(alone, 99) - own:.1f} ms above its p50)",
        "p50 4 ms, p99 10 ms, idle machine",
        median <= 4 and tail <= 10,
        usage.noise,
    )


def _thousand(report: Report, server: Server) -> None:
    """All at once, twice: what they leave behind must not grow."""
    server.launch_fake("fake-1000", 1000, step_ms=STEP_MS)
    sizes = [processes.memory_mb(server.root)]
    results = []
    for i in range(2 if report.quick else 4):
        report.calm()
        results.append(load.run(_load(server, "fake-1000", 1000, 1000, 100_000 * (i + 1))))
        wait_for(lambda: server.load_of("fake-1000").get("in_flight") == 0, "the end of all", 10)
        sizes.append(processes.memory_mb(server.root))
    server.terminate("fake-1000")
    report.raw["streams.1000"] = [result.summary() for result in results]
    report.raw["streams.1000_memory_mb"] = sizes
    lines: list[list[Any]] = [["before", "", "", "", "", *_sizes(sizes[0]), ""]]
    for i, result in enumerate(results):
        lines.append(
            [
                f"run {i + 1}",
                f"{result.good:,} of 1,000",
                f"{result.tokens_per_s:,.0f}",
                f"{percentile(result.first_ms, 50):,.0f} / {percentile(result.first_ms, 99):,.0f}",
                f"{result.reads / max(1, result.tokens):.2f}",
                *_sizes(sizes[i + 1]),
                f"{result.cpu.noise:.0%}",
            ]
        )
    columns = (
        "", "complete, in order", "tok/s", "first p50 / p99 ms", "reads per token",
        "web MB", "replica MB", "broker MB", "others' CPU",
    )  # fmt: skip
    print(table("1,000 streams at once, 64 tokens each", columns, lines))
    for example in list(dict.fromkeys(e for result in results for e in result.errors))[:3]:
        print("  ", example)
    good = sum(result.good for result in results)
    asked = 1000 * len(results)
    # The first run fills pools and windows once; after it nothing may pile up.
    growth = sum(_sizes(sizes[-1])[:2]) - sum(_sizes(sizes[1])[:2])
    first = sum(_sizes(sizes[1])[:2]) - sum(_sizes(sizes[0])[:2])
    report.row(
        GROUP,
        "1,000 streams at once",
        f"{good:,} of {asked:,} complete and in order; web + worker {first:+.0f} MB in the first "
        f"run, {growth:+.0f} MB in the {len(results) - 1} after it",
        "all; memory bounded",
        good == asked and growth < 30,
        statistics.median(result.cpu.noise for result in results),
    )


def _sizes(sizes: dict[str, float]) -> list[float]:
    return [
        round(sum(mb for name, mb in sizes.items() if name.partition(":")[0] == role), 1)
        for role in PLATFORM
    ]


def _allow_files() -> None:
    """A thousand connections here and, by inheritance, in the server."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
