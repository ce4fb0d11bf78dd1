"""Break it for real, and take the time until it is whole again."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench import load, processes
from bench.load import Answer, Connection
from bench.report import Report, table
from bench.server import Server, engine_python, serving, wait_for

GROUP = "faults"
#: of the load while something breaks; half of them are streamed
STREAMS, TOKENS = 8, 64
#: nothing may take longer; then the measurement gives up
LIMIT = 40.0
#: many more tokens than anybody waits for
ENDLESS = 8000


def bench(report: Report) -> None:
    with serving() as server:
        if engine_python("llama.cpp"):
            server.launch("demo")
            model = "demo"
        else:
            print("llama.cpp is not installed; the fake engine stands in for the demo model")
            server.launch_fake("stand-in", 4, step_ms=2)
            model = "stand-in"
        _engine_killed(report, server, model)
        _engine_frozen(report, server, model)
        _client_gone(report, server)
        _anything_killed(report, server, model)


# --- the engine dies, or freezes, under load -------------------------------------------------


@dataclass(slots=True)
class Story:
    """What became of the requests around a fault."""

    broke: float
    #: (streamed, answer)
    answers: list[tuple[bool, Answer]] = field(default_factory=list)
    #: when another engine process was there
    replaced: float = 0.0

    def _failed(self, streamed: bool, answer: Answer) -> str:
        try:
            _check(streamed, answer)
        except (ValueError, KeyError, TypeError) as error:
            return str(error)
        return ""

    def judge(self) -> dict[str, Any]:
        in_flight = [(s, a) for s, a in self.answers if a.sent <= self.broke < a.end]
        begun = [(s, a) for s, a in in_flight if s and 0 < a.first <= self.broke]
        waiting = [pair for pair in in_flight if pair not in begun]
        after = [(s, a) for s, a in self.answers if a.sent > self.broke]
        failed = [self._failed(s, a) for s, a in waiting + after]
        good = [a.end for s, a in after if not self._failed(s, a)]
        return {
            "answers": len(self.answers),
            "streams that had begun": len(begun),
            "of them broken off": sum(bool(self._failed(s, a)) for s, a in begun),
            "requests that had not begun": len(waiting) + len(after),
            "of them failed": sum(map(bool, failed)),
            "why": list(dict.fromkeys(text[:150] for text in failed if text))[:3],
            "first answer s": min(good) - self.broke if good else None,
            "last of those in flight s": max((a.end for _, a in in_flight), default=0) - self.broke
            if in_flight
            else 0.0,
            "replaced s": self.replaced - self.broke if self.replaced else None,
        }


def _engine_killed(report: Report, server: Server, model: str) -> None:
    stories = [
        uvloop.run(_break_engine(server, model, signal.SIGKILL)).judge()
        for _ in range(1 if report.quick else 3)
    ]
    _tell(report, "kill", "Engine killed under load", stories)
    first = _worst(stories, "first answer s")
    failed = sum(story["of them failed"] for story in stories)
    broken = sum(story["of them broken off"] for story in stories)
    report.row(
        GROUP,
        "kill -9 of the only engine: first answer",
        f"{first:.2f} s at worst; {failed} of the requests that had not begun failed, "
        f"{broken} of {sum(s['streams that had begun'] for s in stories)} streams broke off",
        "3 s, no 5xx (Xinference recorded: 8.6 s of 500s)",
        first <= 3 and not failed,
    )


def _engine_frozen(report: Report, server: Server, model: str) -> None:
    story = uvloop.run(_break_engine(server, model, signal.SIGSTOP)).judge()
    _tell(report, "freeze", "Engine frozen (SIGSTOP) under load", [story])
    replaced, ended = _worst([story], "replaced s"), story["last of those in flight s"]
    report.row(
        GROUP,
        "Frozen engine: noticed and replaced",
        f"{replaced:.1f} s; its requests had ended after {ended:.1f} s, "
        f"{story['of them failed'] + story['of them broken off']} of them failed",
        "10 s, its requests end or move on (Xinference: never)",
        replaced <= 10 and ended < LIMIT,
    )


def _worst(stories: list[dict[str, Any]], key: str) -> float:
    return max(LIMIT if story[key] is None else story[key] for story in stories)


def _tell(report: Report, name: str, title: str, stories: list[dict[str, Any]]) -> None:
    report.raw[f"faults.{name}"] = stories
    keys = [key for key in stories[0] if key != "why"]
    print(table(title, keys, [[story[key] for key in keys] for story in stories]))
    for reason in dict.fromkeys(why for story in stories for why in story["why"]):
        print("  ", reason)


async def _break_engine(server: Server, model: str, number: signal.Signals) -> Story:
    """Load for a second, then the fault, then load until all is well again for a second."""
    role = f"engine:{model}"
    engine = server.pid(role)
    story = Story(0.0)
    numbers = itertools.count(int(time.time()) * 1000)
    stopping = asyncio.Event()

    async def work(streamed: bool) -> None:
        connection = await Connection.open(server.url)
        while not stopping.is_set():
            if not connection.open_:
                connection = await Connection.open(server.url)
            answer = connection.start(_request(server, model, next(numbers), TOKENS, streamed))
            await connection.finish(LIMIT)
            story.answers.append((streamed, answer))
        connection.leave()

    workers = [asyncio.ensure_future(work(i % 2 == 0)) for i in range(STREAMS)]
    await asyncio.sleep(1.0)
    story.broke = time.perf_counter()
    os.kill(engine, number)
    well_since = 0.0
    while (now := time.perf_counter()) < story.broke + LIMIT:
        await asyncio.sleep(0.02)
        if not story.replaced:
            others = [pid for pid in processes.pids(server.root, role) if pid != engine]
            story.replaced = now if others else 0.0
        elif not well_since:
            good = [a for s, a in story.answers if a.sent > story.broke and a.status == 200]
            well_since = now if len(good) >= STREAMS else 0.0
        elif now > well_since + 1.0:
            break
    stopping.set()
    await asyncio.gather(*workers)
    return story


def _request(server: Server, model: str, number: int, tokens: int, streamed: bool = True) -> bytes:
    body = load.chat_body(model, number, tokens)
    if not streamed:
        body = {k: v for k, v in body.items() if not k.startswith("stream")}
    return load.request_bytes(server.url, "/v1/chat/completions", body, server.key)


def _check(streamed: bool, answer: Answer) -> None:
    if streamed:
        load.check_stream(answer)
    elif answer.broken or answer.status != 200:
        raise ValueError(answer.broken or f"HTTP {answer.status} {answer.body()[:150]!r}")


# --- the client goes away ---------------------------------------------------------------------


def _client_gone(report: Report, server: Server) -> None:
    """Each time one slot, somebody who leaves, and somebody behind who waits for it."""
    server.launch_fake("one-slot", 1, step_ms=10)
    cases: list[tuple[str, Callable[[], Any]]] = [
        ("running, streamed", lambda: _leave_running(server, streamed=True)),
        ("running, not streamed", lambda: _leave_running(server, streamed=False)),
        ("queued", lambda: _leave_queued(server)),
        ("loading", lambda: _leave_loading(server)),
    ]
    lines: list[tuple[str, float]] = []
    for name, case in cases:
        times = [uvloop.run(case()) for _ in range(1 if report.quick else 3)]
        lines.append((name, max(times)))
    server.terminate("one-slot")
    report.raw["faults.client_gone_s"] = dict(lines)
    print(table("Client gone, seconds until the next one's first token (worst)",
                ("state", "s"), lines))  # fmt: skip
    worst = max(taken for _, taken in lines)
    report.row(
        GROUP,
        "Client gone → slot free",
        "; ".join(f"{name} {taken:.2f} s" for name, taken in lines),
        "1 s in each state",
        worst <= 1.0,
    )


async def _leave_running(server: Server, *, streamed: bool) -> float:
    leaver, waiter = [await Connection.open(server.url) for _ in range(2)]
    leaver.start(_request(server, "one-slot", 1, ENDLESS, streamed))
    await (leaver.first_text() if streamed else asyncio.sleep(0.5))
    waiting = waiter.start(_request(server, "one-slot", 2, 2))
    await asyncio.sleep(0.3)
    return await _until_text(leaver, waiter, waiting)


async def _leave_queued(server: Server) -> float:
    """The one in the queue leaves first: it must not take the slot when that becomes free."""
    runner, leaver, waiter = [await Connection.open(server.url) for _ in range(3)]
    runner.start(_request(server, "one-slot", 1, ENDLESS))
    await runner.first_text()
    leaver.start(_request(server, "one-slot", 2, ENDLESS))
    await asyncio.sleep(0.2)
    waiting = waiter.start(_request(server, "one-slot", 3, 2))
    await asyncio.sleep(0.2)
    leaver.leave()
    await asyncio.sleep(0.05)
    return await _until_text(runner, waiter, waiting)


async def _leave_loading(server: Server) -> float:
    loop = asyncio.get_running_loop()
    server.launch_fake("slow", 1, wait=False, step_ms=10, load_s=3.0)

    def ready() -> float:
        wait_for(lambda: server.state("slow") == "ready", "slow to be ready", LIMIT)
        return time.perf_counter()

    def loading() -> bool:
        return wait_for(lambda: server.state("slow") == "loading", "slow to load", LIMIT)

    await loop.run_in_executor(None, loading)
    seen_ready = loop.run_in_executor(None, ready)
    leaver, waiter = [await Connection.open(server.url) for _ in range(2)]
    leaver.start(_request(server, "slow", 1, ENDLESS))
    await asyncio.sleep(0.3)
    waiting = waiter.start(_request(server, "slow", 2, 2))
    await asyncio.sleep(0.3)
    leaver.leave()
    await waiter.first_text(LIMIT)
    taken = (waiting.first or waiting.sent + LIMIT) - await seen_ready
    waiter.leave()
    await loop.run_in_executor(None, server.terminate, "slow")
    return max(0.0, taken)


async def _until_text(leaver: Connection, waiter: Connection, waiting: Answer) -> float:
    left = time.perf_counter()
    leaver.leave()
    await waiter.first_text(LIMIT)
    await waiter.finish(LIMIT)
    waiter.leave()
    return (waiting.first or left + LIMIT) - left


# --- kill -9 of anything ------------------------------------------------------------------------


def _anything_killed(report: Report, server: Server, model: str) -> None:
    engine_role = f"engine:{model}"
    lines: list[list[Any]] = []
    orphaned, healed = [], []
    for role in (engine_role, f"replica:{model}", "web", "control", "broker"):
        wait_for(lambda: _whole(server, model), "all processes to be there", LIMIT)
        # Restarts in a row are slowed down; the second fault here is not the first one's echo.
        time.sleep(1 if report.quick else 5)
        engine = server.pid(engine_role)
        began = time.perf_counter()
        server.kill(role)
        ends_engine = role in (engine_role, f"replica:{model}")
        gone = _gone([engine], began) if ends_engine else None
        answered, refused = _answers_again(server, model, began)
        kept = processes.alive(engine)
        fate = "kept" if kept else "ended" if ends_engine else "REPLACED"
        lines.append([role, _say(gone), _say(answered), refused, fate])
        healed.append(LIMIT if answered is None else answered)
        if ends_engine:
            orphaned.append(LIMIT if gone is None else gone)
    wait_for(lambda: _whole(server, model), "all processes to be there", LIMIT)
    everything = list(processes.of_home(server.home))
    began = time.perf_counter()
    os.kill(server.root, signal.SIGKILL)
    gone = _gone(everything, began)
    orphaned.append(LIMIT if gone is None else gone)
    again = server.start()
    lines.append(["warden", _say(gone), "", "", f"all ended; started again in {again:.1f} s"])
    report.raw["faults.killed"] = lines
    columns = ("killed", "engine gone s", "answers again s", "failed tries", "engine")
    print(table("kill -9 of one process after the other", columns, lines))
    report.row(
        GROUP,
        "kill -9 of anything → no engine left behind",
        f"{max(orphaned):.2f} s at worst",
        "10 s",
        max(orphaned) <= 10,
    )
    report.row(
        GROUP,
        "kill -9 of engine, replica, web, control, broker → answers again",
        ", ".join(f"{line[0].partition(':')[0]} {line[2]} s" for line in lines[:-1]),
        "10 s",
        max(healed) <= 10,
    )


def _say(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds:.2f}"


def _whole(server: Server, model: str) -> bool:
    there = set(processes.tree(server.root).values())
    wanted = {"web", "control", "broker", f"replica:{model}", f"engine:{model}"}
    return wanted <= there and server.status("/readyz") == 200 and server.state(model) == "ready"


def _gone(pids: list[int], began: float) -> float | None:
    while time.perf_counter() < began + LIMIT:
        if not any(processes.alive(pid) for pid in pids):
            return time.perf_counter() - began
        time.sleep(0.01)
    return None


def _answers_again(server: Server, model: str, began: float) -> tuple[float | None, int]:
    """Seconds until a request sent after the fault is answered, and how many were not."""
    body = load.chat_body(model, int(began * 1000) % 10**6, 8, stream=False)
    del body["stream_options"]
    failed = 0
    while time.perf_counter() < began + LIMIT:
        try:
            if server.call("POST", "/v1/chat/completions", body, timeout=LIMIT)[0] == 200:
                return time.perf_counter() - began, failed
        except OSError:
            pass
        failed += 1
        time.sleep(0.05)
    return None, failed
