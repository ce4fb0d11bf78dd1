"""Limits and usage of a real server with four web processes, whose parts are killed."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import redis

from apps.metering.store import WEBS
from tests.support.server import Answer, Server, serving, wait_for
from xplatform.core.config import load_settings

pytestmark = [pytest.mark.server, pytest.mark.slow]

CHAT = "/v1/chat/completions"
#: three tokens for the fake engine, and not for whoever counts characters
PROMPT = "one two three"


#: who has which limits
LIMITS = {
    "many": {"requests_per_minute": 1000},
    "told": {"requests_per_minute": 3},
    "alone": {"concurrent_requests": 1},
    "thrifty": {"tokens_per_month": 400},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--web-processes", "4") as server:
        server.launch("fast", slots=64, options={"step_ms": 1})
        server.launch("slow", slots=64, options={"step_ms": 50})
        server.launch("vectors", kind="embedding")
        yield server


@pytest.fixture(scope="module")
def callers(server: Server) -> dict[str, Caller]:
    """With their limits, which all web processes know: they have started since."""
    callers = {name: Caller(server, name) for name in LIMITS}
    for name, limits in LIMITS.items():
        for kind, amount in limits.items():
            body = {"kind": kind, "amount": amount, "scope": "key", "subject": callers[name].id}
            answer = server.post("/api/limits", body)
            assert answer.status == 201, answer.body
    _kill_webs(server)
    return callers


def _kill_webs(server: Server) -> None:
    old = set(server.pids("web"))
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(server.pids("web")) - old) == 4, "new web processes", 60)
    server.wait_ready()


class Caller:
    """An API key of its own, so that tests do not disturb each other."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        made = server.post("/api/keys", {"name": name}).json()
        self.id, self.token = made["id"], made["key"]

    def chat(self, model: str = "fast", **values: Any) -> Answer:
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], **values}
        return self.server.post(CHAT, body, key=self.token)

    def stream(self, model: str, max_tokens: int) -> http.client.HTTPConnection:
        """A stream of which the first tokens have come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        body = {
            "model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": True,
            "max_tokens": max_tokens,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        while b'"content":"1 "' not in response.readline():
            pass
        return connection

    def usage(self, model: str) -> dict[str, int]:
        path = f"/api/usage?key={self.id}&model={model}&group=model"
        rows = self.server.get(path).json()["rows"]
        return rows[0] if rows else {"requests": 0}

    def used(self, model: str, requests: int) -> dict[str, int]:
        """As soon as so many requests are in the database."""
        wait_for(lambda: self.usage(model)["requests"] >= requests, "the usage to be written")
        return self.usage(model)


def _redis(server: Server) -> Any:
    path = server.home / "run" / "settings.json"
    settings = load_settings(environ={"XPLATFORM_SETTINGS": str(path)})
    return redis.Redis.from_url(settings.channels_url)


async def _burst(server: Server, token: str, clients: int, each: int) -> list[int]:
    """Statuses of what so many clients send at the same time."""
    body = {"model": "fast", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 1}
    headers = {"Authorization": f"Bearer {token}"}
    statuses: list[int] = []

    async def client(session: aiohttp.ClientSession) -> None:
        for _ in range(each):
            async with session.post(server.base + CHAT, json=body, headers=headers) as answer:
                await answer.read()
                statuses.append(answer.status)

    timeout = aiohttp.ClientTimeout(total=240)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return statuses


def test_200_clients_over_4_web_processes_get_what_is_theirs(
    server: Server, callers: dict[str, Caller]
) -> None:
    caller, limit = callers["many"], LIMITS["many"]["requests_per_minute"]
    with _redis(server) as client:
        wait_for(lambda: client.zcard(WEBS) == 4, "all web processes to take part")
    began = time.monotonic()
    statuses = asyncio.run(_burst(server, caller.token, 200, 10))
    # A machine that needs longer than a minute for this has more than one minute's to serve.
    minutes = 1 + int((time.monotonic() - began) // 60)
    served = statuses.count(200)
    assert (len(statuses), set(statuses)) == (2000, {200, 429})
    assert limit <= served <= limit * minutes
    assert caller.used("fast", served)["requests"] == served


def test_the_answer_tells_the_limit(server: Server, callers: dict[str, Caller]) -> None:
    caller, refused = callers["told"], None
    while refused is None:
        answer = caller.chat(max_tokens=1)
        assert answer.headers["x-ratelimit-limit-requests"] == "3"
        if answer.status == 429:
            refused = answer
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    metrics = server.get("/metrics").body.decode()
    assert 'xplatform_requests_refused_total{kind="requests_per_minute",scope="key"}' in metrics
    assert caller.id not in metrics


def test_usage_is_what_the_engines_counted(server: Server) -> None:
    """While the control plane is killed in the middle."""
    caller, tokens, prompts = Caller(server, "counted"), 0, 0
    for number in range(30):
        if number == 15:
            os.kill(server.pids("control")[0], signal.SIGKILL)
        answer = caller.chat(max_tokens=1 + number % 5)
        assert answer.status == 200, answer.body
        usage = answer.json()["usage"]
        tokens, prompts = tokens + usage["completion_tokens"], prompts + usage["prompt_tokens"]
    row = caller.used("fast", 30)
    assert (row["requests"], row["errors"]) == (30, 0)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (prompts, tokens)


def test_clients_that_leave_pay_for_what_they_had(server: Server) -> None:
    caller = Caller(server, "leaving")
    for _ in range(5):
        caller.stream("slow", 2000).close()
    row = caller.used("slow", 5)
    # By the engine's count, which comes a moment after they left.
    assert (row["requests"], row["prompt_tokens"]) == (5, 15)
    assert 10 <= row["completion_tokens"] < 10_000


def test_all_kinds_of_requests(server: Server) -> None:
    caller = Caller(server, "all kinds")
    post = server.post
    body = {"model": "vectors", "input": ["one two", "three"]}
    assert post("/v1/embeddings", body, key=caller.token).status == 200
    row = caller.used("vectors", 1)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (3, 0)

    body = {"model": "fast", "prompt": PROMPT}
    assert post("/v1/tokenize", body, key=caller.token).status == 200
    # Too long for the engine, which alone can tell.
    words = {"model": "fast", "messages": [{"role": "user", "content": "word " * 9000}]}
    assert post(CHAT, words, key=caller.token).status == 400
    row = caller.used("fast", 2)
    assert (row["requests"], row["errors"]) == (2, 1)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (0, 0)


def test_a_killed_web_process_frees_what_ran_in_it(
    server: Server, callers: dict[str, Caller]
) -> None:
    caller = callers["alone"]
    stream = caller.stream("slow", 4000)
    refused = [caller.chat(max_tokens=1) for _ in range(8)]
    assert {answer.status for answer in refused} == {429}
    _kill_webs(server)
    stream.close()
    wait_for(lambda: caller.chat(max_tokens=1).status == 200, "the place to be free", 30)


def test_a_broker_that_is_killed_loses_no_budget(
    server: Server, callers: dict[str, Caller]
) -> None:
    caller, served = callers["thrifty"], 0
    while caller.chat(max_tokens=100).status == 200:
        served += 1
    row = caller.used("fast", served)
    used = row["prompt_tokens"] + row["completion_tokens"]
    assert served == 3 and used <= 400
    os.kill(server.pids("broker")[0], signal.SIGKILL)
    wait_for(lambda: _redis_answers(server), "the broker to be back", 30)
    # The counters went with it. What the database has holds.
    answers = [_patient(caller, max_tokens=400 - used) for _ in range(4)]
    assert {answer.status for answer in answers} == {429}
    assert {answer.json()["error"]["code"] for answer in answers} == {"quota_exceeded"}


def _redis_answers(server: Server) -> bool:
    with contextlib.suppress(redis.RedisError), _redis(server) as client:
        return bool(client.zcard(WEBS) == 4)
    return False


def _patient(caller: Caller, **values: Any) -> Answer:
    """Not 503: the model's replicas must be heard of again first."""
    found: list[Answer] = []

    def look() -> bool:
        found.append(caller.chat(**values))
        return found[-1].status != 503

    wait_for(look, "the model to answer", 30)
    return found[-1]
