"""What limits cost: the same requests with a key that has four of them and with one that has none,
turn about."""

from __future__ import annotations

import json
import statistics

from bench import load
from bench.load import Load, Result, noise_of, percentile
from bench.report import Report, quiet, table
from bench.server import Server, serving

GROUP = "limits"
AT_ONCE = 32
#: never reached: what is measured is counting, not refusing
LIMITS = {
    "requests_per_minute": 10**9,
    "tokens_per_minute": 10**9,
    "concurrent_requests": 10**6,
    "tokens_per_day": 10**12,
}
#: of the throughput without limits
FLOOR = 0.85


def bench(report: Report) -> None:
    total, pairs = (600, 2) if report.quick else (3000, 5)
    with serving() as server:
        server.launch_fake("fake", 64, step_ms=1)
        keys = {"without": _key(server), "with": _key(server, LIMITS)}
        _settled(server, keys["with"])
        lines, found = [], dict[str, list[Result]](with_=[], without=[])

        def turn(number: int, kind: str) -> Result:
            return load.run(
                Load(
                    server.url, "/v1/chat/completions", keys[kind], AT_ONCE, total,
                    lambda text: load.chat_body("fake", text, 1), load.check_counting(1),
                    number * 100_000, server.root,
                )
            )  # fmt: skip

        turn(0, "without")  # warm
        for pair in range(pairs):
            # Whoever goes first has the colder machine: they change places.
            order = ("without", "with") if pair % 2 else ("with", "without")
            for kind in order:
                report.calm()
                result = turn(2 * pair + 1, kind)
                found["with_" if kind == "with" else kind].append(result)
                lines.append(
                    [
                        pair + 1, kind, result.requests_per_s, len(result.errors),
                        percentile(result.total_ms, 50), percentile(result.total_ms, 99),
                        *(_us(result, role) for role in ("web", "broker")),
                        f"{result.cpu.noise:.0%}",
                    ]
                )  # fmt: skip
    columns = (
        "pair", "limits", "requests/s", "errors", "p50 ms", "p99 ms", "web µs/request",
        "broker", "others' CPU",
    )  # fmt: skip
    print(table(f"{AT_ONCE} at once, one token each, {len(LIMITS)} limits", columns, lines))
    report.raw["limits"] = {k: [r.summary() for r in results] for k, results in found.items()}
    both = list(zip(found["with_"], found["without"], strict=True))
    counted = quiet(both, lambda pair: max(map(noise_of, pair)))
    ratio = statistics.median(a.requests_per_s / b.requests_per_s for a, b in counted)
    web = statistics.median(_us(a, "web") - _us(b, "web") for a, b in counted)
    broker = statistics.median(_us(a, "broker") - _us(b, "broker") for a, b in counted)
    report.row(
        GROUP,
        f"{len(LIMITS)} limits on, requests/s against off",
        f"{ratio:.2f} × (web +{web:.0f} µs a request, broker +{broker:.0f} µs)",
        f"{FLOOR} ×",
        ratio >= FLOOR and not any(result.errors for pair in both for result in pair),
        max(noise_of(result) for pair in counted for result in pair),
    )


def _us(result: Result, role: str) -> float:
    return result.cpu.roles.get(role, 0.0) / max(1, result.good) * 1e6


def _key(server: Server, limits: dict[str, int] | None = None) -> str:
    made = json.loads(server.call("POST", "/api/keys", {"name": "bench"})[1])
    for kind, amount in (limits or {}).items():
        body = {"kind": kind, "amount": amount, "scope": "key", "subject": made["id"]}
        status, answer = server.call("POST", "/api/limits", body)
        if status != 201:
            raise RuntimeError(f"a limit could not be set: {answer[:300]!r}")
    return str(made["key"])


def _settled(server: Server, key: str) -> None:
    """The web process starts anew, and knows all limits before it answers."""
    server.kill("web")
    probe = Load(
        server.url, "/v1/chat/completions", key, 1, 1,
        lambda text: load.chat_body("fake", text, 1), _has_limits,
    )  # fmt: skip
    for _ in range(100):
        try:
            if load.run(probe).good:
                return
        except OSError:
            pass
    raise RuntimeError("the limits were not known after a restart")


def _has_limits(answer: load.Answer) -> int:
    if b"x-ratelimit-limit-requests" not in answer.head.lower():
        raise ValueError("no limit")
    return 1
