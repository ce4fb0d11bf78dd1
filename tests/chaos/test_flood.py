"""Ten thousand requests at one slot: each gets one honest answer, nothing hangs or grows."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Iterator

import aiohttp
import pytest

from tests.chaos.clients import CHAT, chat_body, count, stream, whole
from tests.support.server import API_KEY, Server, serving, wait_for

REQUESTS, CONNECTIONS, QUEUE = 10_000, 500, 200


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_MAX_QUEUE=str(QUEUE)) as made:
        made.launch("one", options={"step_ms": 1}, slots=1)
        yield made


async def flood(server: Server, requests: int) -> collections.Counter[str]:
    """Each answer as one word."""
    outcomes: collections.Counter[str] = collections.Counter()
    numbers = iter(range(requests))
    timeout = aiohttp.ClientTimeout(total=120)
    headers = {"Authorization": f"Bearer {API_KEY}"}

    async def one(session: aiohttp.ClientSession, number: int) -> str:
        body = chat_body("one", stream=number % 2 == 0, max_tokens=2)
        async with session.post(server.base + CHAT, json=body) as response:
            data = await response.read()
            if response.status == 200:
                if number % 2:
                    told = count(2).encode() in data
                else:
                    told = data.endswith(b"data: [DONE]\n\n") and data.count(b'"content"') >= 1
                return "answered" if told else f"a wrong answer: {data[-200:]!r}"
            if response.status in (429, 503):
                if b'"error"' not in data or int(response.headers["Retry-After"]) < 1:
                    return f"a refusal without a reason: {data[-200:]!r}"
                return f"refused with {response.status}"
            return f"status {response.status}: {data[-200:]!r}"

    async def worker(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            try:
                outcomes[await one(session, number)] += 1
            except Exception as error:
                outcomes[repr(error)] += 1

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, timeout=timeout
    ) as session:
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))
    return outcomes


@pytest.mark.timeout(280)
async def test_each_request_gets_exactly_one_honest_answer(server: Server) -> None:
    before = server.memory_mb("web") + server.memory_mb("replica") + server.memory_mb("broker")
    began = time.monotonic()
    outcomes = await flood(server, REQUESTS)
    seconds = time.monotonic() - began
    assert sum(outcomes.values()) == REQUESTS
    assert set(outcomes) <= {"answered", "refused with 429", "refused with 503"}, outcomes
    assert outcomes["answered"] > QUEUE, outcomes
    assert outcomes["refused with 429"] > 0, outcomes
    after = server.memory_mb("web") + server.memory_mb("replica") + server.memory_mb("broker")
    assert after - before < 150, f"{after - before:.0f} MB more after {seconds:.0f} s"


async def test_afterwards_it_serves_as_before(server: Server) -> None:
    wait_for(lambda: server.get("/status").json()["in_flight"] == 0, "nothing to be left", 30)
    wait_for(lambda: server.busy("one") == 0, "an idle replica", 10)
    began = time.monotonic()
    stream(server, "one", 20).counted(20)
    assert time.monotonic() - began < 5


def test_a_full_queue_is_told_with_the_numbers(server: Server) -> None:
    server.launch("still", options={"step_ms": 50}, slots=1)
    calls = [whole(server, "still", 5000) for _ in range(QUEUE + 1)]
    wait_for(lambda: server.get("/status").json()["in_flight"] == QUEUE + 1, "a full queue", 60)
    refused = whole(server, "still", 1).result()
    assert refused.status == 429
    assert refused.error is not None
    assert refused.error["code"] == "queue_full"
    assert f"the limit is {QUEUE}" in refused.error["message"]
    assert int(refused.headers["retry-after"]) >= 1
    # Another model is not touched.
    whole(server, "one", 3).counted(3)
    for call in calls:
        call.leave()
    wait_for(lambda: server.get("/status").json()["in_flight"] == 0, "all to be gone", 30)
    whole(server, "still", 1).counted(1)
