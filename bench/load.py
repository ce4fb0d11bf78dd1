"""The load generator: as little work as possible while the clock runs.

It shares its cores with the server, so it does not parse answers while they come: every read is
kept with its time, and what the bytes say (complete? in order? how many tokens?) is looked at
afterwards. Connections are opened before the clock starts and kept alive, as real clients do.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

from bench import processes
from bench.processes import Usage

#: a piece of text, as opposed to the role chunk whose content is empty
CONTENT = re.compile(rb'"(?:content|text)": ?"[^"]')
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_WORDS = "badu kelaso pof doso moru diaci ga wako pub fe beheu furule".split()


def prompt(number: int) -> str:
    """No two alike, so that no cache of prompts makes one side look better."""
    chosen = random.Random(number)
    return f"{number} " + " ".join(chosen.choice(_WORDS) for _ in range(24))


@dataclass(slots=True)
class Answer:
    """One answer as it came; times are ``perf_counter``'s."""

    sent: float
    #: when the first text came, and when the answer was complete
    first: float = 0.0
    end: float = 0.0
    head: bytes = b""
    #: times of the reads that brought text
    reads: list[float] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    #: the connection broke, or nothing came in time
    broken: str = ""

    @property
    def status(self) -> int:
        return int(self.head[9:12] or 0)

    def body(self) -> bytes:
        raw = b"".join(self.parts)
        return _unchunk(raw) if b"chunked" in self.head.lower() else raw

    def events(self) -> list[bytes]:
        """Payloads of the server-sent events; comments are left out."""
        blocks = self.body().split(b"\n\n")
        return [block[6:] for block in blocks if block.startswith(b"data: ")]


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection with one request at a time."""

    def __init__(self) -> None:
        self._answer: Answer | None = None
        self._done: asyncio.Future[None] | None = None
        self._first: asyncio.Future[None] | None = None
        #: bytes to come; -1: chunked; None: the head is not complete yet
        self._left: int | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, parts.hostname, parts.port)
        return connection

    # -- asyncio's side -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            return
        now = time.perf_counter()
        if self._left is None:
            head, end, data = (answer.head + data).partition(_HEAD_END)
            answer.head = head + end
            if not end:
                return
            self._left = _content_length(head)
            if not data and self._left:
                return
        answer.parts.append(data)
        if answer.first:
            answer.reads.append(now)
        elif CONTENT.search(data):
            answer.first = now
            if self._first is not None and not self._first.done():
                self._first.set_result(None)
        if self._left >= 0:
            self._left -= len(data)
            complete = self._left <= 0
        elif len(data) >= len(_LAST_CHUNK):
            complete = data.endswith(_LAST_CHUNK)
        else:
            complete = b"".join(answer.parts[-3:]).endswith(_LAST_CHUNK)
        if complete:
            self._finish(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None:
            self._answer.broken = str(exc or "the server closed the connection")
            self._finish(time.perf_counter())

    def _finish(self, now: float) -> None:
        answer, self._answer, self._left = self._answer, None, None
        if answer is not None:
            answer.end = now
        for waiter in (self._done, self._first):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    # -- ours ---------------------------------------------------------------------------------

    @property
    def open_(self) -> bool:
        return self._transport is not None

    def start(self, request: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        self._done, self._first = loop.create_future(), loop.create_future()
        self._answer = answer = Answer(time.perf_counter())
        if self._transport is None:
            answer.broken = "not connected"
            self._finish(answer.sent)
        else:
            self._transport.write(request)
        return answer

    async def finish(self, timeout: float = 600.0) -> None:
        assert self._done is not None
        answer = self._answer
        done, _ = await asyncio.wait((self._done,), timeout=timeout)
        if not done and answer is not None:
            answer.broken = f"no complete answer within {timeout:.0f} s"
            self.leave()

    async def first_text(self, timeout: float = 60.0) -> None:
        """Text has come, or the answer is complete without any."""
        assert self._first is not None
        await asyncio.wait((self._first,), timeout=timeout)

    def leave(self) -> None:
        """Go away without a word, as a client that was killed."""
        if self._transport is not None:
            self._transport.abort()


def request_bytes(url: str, path: str, body: dict[str, Any] | None, key: str | None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
    ]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join(lines).encode() + _HEAD_END + data


def chat_body(model: str, number: int, tokens: int = 64, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": prompt(number)}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        **more,
    }


@dataclass(slots=True)
class Load:
    """What to send: ``total`` requests by ``streams`` connections, each busy all the time."""

    url: str
    path: str
    key: str | None
    streams: int
    total: int
    make_body: Callable[[int], dict[str, Any]]
    #: raises ValueError when the answer is not what it should be; tokens of the answer
    check: Callable[[Answer], int]
    #: number of the first prompt
    first: int = 0
    #: root process of the server, for its CPU time; 0: somebody else's server
    root: int = 0
    timeout: float = 600.0


@dataclass(slots=True)
class Result:
    streams: int
    wall_s: float
    #: complete and right answers
    good: int
    errors: list[str]
    tokens: int
    #: reads that brought text: fewer than tokens when deltas were merged
    reads: int
    first_ms: list[float]
    gap_ms: list[float]
    total_ms: list[float]
    cpu: Usage

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.wall_s

    @property
    def requests_per_s(self) -> float:
        return self.good / self.wall_s

    def us_per_token(self, *roles: str) -> float:
        spent = sum(s for role, s in self.cpu.roles.items() if role.partition(":")[0] in roles)
        return spent / max(1, self.tokens) * 1e6

    def summary(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "streams": self.streams,
            "wall_s": round(self.wall_s, 3),
            "good": self.good,
            "errors": len(self.errors),
            "error_examples": list(dict.fromkeys(self.errors))[:3],
            "tokens": self.tokens,
            "tokens_per_s": round(self.tokens_per_s, 1),
            "requests_per_s": round(self.requests_per_s, 1),
            "reads": self.reads,
            **{
                f"{name}_p{point}_ms": round(percentile(values, point), 2)
                for name, values in (
                    ("first", self.first_ms),
                    ("gap", self.gap_ms),
                    ("total", self.total_ms),
                )
                for point in (50, 99)
            },
            "cpu_s": {role: round(spent, 2) for role, spent in self.cpu.roles.items()},
            "client_cpu_s": round(self.cpu.client, 2),
            "other_cpu_s": round(self.cpu.other, 2),
        }


def noise_of(result: Result) -> float:
    return result.cpu.noise


def percentile(values: list[float], point: float) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    place = (len(ordered) - 1) * point / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def run(load: Load) -> Result:
    """Send it all; the bytes are looked at when the last answer has come."""
    return uvloop.run(_run(load))


async def _run(load: Load) -> Result:
    requests = [
        request_bytes(load.url, load.path, load.make_body(load.first + i), load.key)
        for i in range(load.total)
    ]
    connections = [await Connection.open(load.url) for _ in range(load.streams)]
    numbers: Iterator[int] = itertools.count()
    answers: list[Answer] = []

    async def work(connection: Connection) -> None:
        for number in numbers:
            if number >= load.total:
                return
            if not connection.open_:
                connection = await Connection.open(load.url)
            answers.append(connection.start(requests[number]))
            await connection.finish(load.timeout)

    gc.collect()
    gc.disable()
    try:
        meter = processes.Meter(load.root)
        began = time.perf_counter()
        await asyncio.gather(*(work(connection) for connection in connections))
        wall = time.perf_counter() - began
        usage = meter.stop()
    finally:
        gc.enable()
        for connection in connections:
            connection.leave()
    await asyncio.sleep(0)
    return _judge(load, answers, wall, usage)


def _judge(load: Load, answers: list[Answer], wall: float, usage: Usage) -> Result:
    result = Result(load.streams, wall, 0, [], 0, 0, [], [], [], usage)
    for answer in answers:
        try:
            result.tokens += load.check(answer)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            result.errors.append(f"{type(error).__name__}: {error}"[:200])
            continue
        result.good += 1
        result.reads += len(answer.reads) + 1
        if answer.first:
            result.first_ms.append((answer.first - answer.sent) * 1e3)
        times = [answer.first, *answer.reads]
        result.gap_ms.extend((b - a) * 1e3 for a, b in itertools.pairwise(times))
        result.total_ms.append((answer.end - answer.sent) * 1e3)
    return result


# --- what an answer must be -------------------------------------------------------------------


def check_stream(answer: Answer) -> int:
    """A whole, well-formed chat stream; its tokens as the engine counted them."""
    return _stream(answer)[1]


def check_counting(tokens: int) -> Callable[[Answer], int]:
    """The fake engine's answer: it counts, so a lost, doubled or reordered token shows."""
    expected = "".join(f"{number} " for number in range(tokens))

    def check(answer: Answer) -> int:
        text, counted = _stream(answer)
        if text != expected:
            raise ValueError(f"the text is not 0 … {tokens - 1}: {text[:60]!r} … {text[-40:]!r}")
        if counted != tokens:
            raise ValueError(f"usage says {counted} tokens and not {tokens}")
        return counted

    return check


def _stream(answer: Answer) -> tuple[str, int]:
    _check_http(answer)
    events = answer.events()
    if not events or events[-1] != b"[DONE]":
        raise ValueError(f"the stream does not end with [DONE]: {events[-1:]!r}")
    text: list[str] = []
    finishes, counted = 0, 0
    for event in events[:-1]:
        chunk = json.loads(event)
        if "error" in chunk:
            raise ValueError(f"the stream broke off: {chunk['error']}")
        if usage := chunk.get("usage"):
            counted = usage["completion_tokens"]
        for choice in chunk["choices"]:
            text.append(choice["delta"].get("content") or "")
            finishes += choice["finish_reason"] is not None
    if finishes != 1:
        raise ValueError(f"{finishes} finish reasons")
    return "".join(text), counted


def check_embedding(answer: Answer) -> int:
    _check_http(answer)
    body = json.loads(answer.body())
    if not body["data"][0]["embedding"]:
        raise ValueError("an empty embedding")
    return int(body["usage"]["prompt_tokens"])


def _check_http(answer: Answer) -> None:
    if answer.broken:
        raise ValueError(answer.broken)
    if answer.status != 200:
        raise ValueError(f"HTTP {answer.status}: {answer.body()[:150]!r}")


def _content_length(head: bytes) -> int:
    """-1: chunked."""
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return -1


def _unchunk(raw: bytes) -> bytes:
    parts, at = [], 0
    while (line := raw.find(b"\r\n", at)) >= 0:
        size = int(raw[at:line], 16)
        parts.append(raw[line + 2 : line + 2 + size])
        at = line + size + 4
    return b"".join(parts)
