"""``/api/pulse`` and what sockets are pushed, of a server that works."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.server import API_KEY, Server, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def pulse(server: Server, query: str = "") -> Any:
    answer = server.get(f"/api/pulse{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def most(line: list[float | None]) -> float:
    return max((value for value in line if value is not None), default=0.0)


def count(line: list[float | None]) -> int:
    """Of rates in slots of five seconds."""
    return round(sum(value or 0 for value in line) * 5)


def test_what_is_asked_of_a_model_is_seen(server: Server) -> None:
    server.launch("felt")
    with connect(
        f"ws://127.0.0.1:{server.port}/ws/events?pulse=1", additional_headers=HEADERS
    ) as socket:
        for _ in range(4):
            assert server.chat("felt", max_tokens=20, stream=True).status == 200
        assert server.chat("felt", logprobs=True).status == 400
        model: dict[str, Any] = {}
        while not model.get("requests"):
            message = json.loads(socket.recv(timeout=60))
            if message["type"] == "pulse":
                model = next((m for m in message["models"] if m["model"] == "felt"), {})
    assert model["project"] == "default"
    assert message["total"]["requests"] >= model["requests"]

    def lines() -> Any:
        found = pulse(server, "?model=felt&minutes=5")["models"]
        return found if found and count(found[0]["requests"]) >= 5 else None

    (line,) = wait_for(lines, "the pulse of five answers", 30)
    assert count(line["requests"]) == 5 and count(line["errors"]) == 1
    assert count(line["tokens_out"]) == 80
    assert most(line["tokens_in"]) > 0 and most(line["first_token_p50"]) > 0


def test_an_answer_on_its_way_is_seen_and_nodes_are(server: Server) -> None:
    server.launch("slow", options={"step_ms": 50})
    with connect(
        f"ws://127.0.0.1:{server.port}/ws/events?pulse=1", additional_headers=HEADERS
    ) as socket:
        thread = threading.Thread(
            target=lambda: server.chat("slow", max_tokens=2000, request_id="long")
        )
        thread.start()
        running: dict[str, Any] = {}
        while not (running.get("running") and running.get("tokens_out")):
            message = json.loads(socket.recv(timeout=60))
            if message["type"] == "pulse":
                running = next((m for m in message["models"] if m["model"] == "slow"), {})
        assert server.post("/v1/models/slow/requests/long/abort", {}).status == 200
        thread.join(60)
        while message["type"] != "pulse" or not message["nodes"]:
            message = json.loads(socket.recv(timeout=60))
    (node,) = message["nodes"]
    assert node["memory_total"] > node["memory_used"] > 0 and node["disk_total"] > 0
    assert node["devices"][0]["memory_total"] > 0
    # A whole slot of the same.
    wait_for(lambda: pulse(server, "?minutes=5")["nodes"], "the node's line", 30)
    found = pulse(server, f"?node={node['node']}")
    assert found["models"] == [] and found["total"] == {}
    assert most(found["nodes"][0]["cpu"]) >= 0


def test_without_being_asked_nobody_is_told(server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/ws/events", additional_headers=HEADERS) as plain:
        with connect(
            f"ws://127.0.0.1:{server.port}/ws/events?pulse=1", additional_headers=HEADERS
        ) as asked:
            while json.loads(asked.recv(timeout=60))["type"] != "pulse":
                pass
        server.launch("noticed")
        kinds = []
        while "event" not in kinds:
            kinds.append(json.loads(plain.recv(timeout=60))["type"])
    assert "pulse" not in kinds


def test_without_its_broker_there_is_a_gap_and_no_error(server: Server) -> None:
    server.kill("broker")
    assert pulse(server)["step"] == 5
    since = pulse(server)["times"][-1]

    def told_again() -> bool:
        found = pulse(server)
        newest = zip(found["times"], found["total"]["requests"], strict=True)
        return any(at > since + 5 and value is not None for at, value in newest)

    wait_for(told_again, "the pulse after the broker's death", 60)
    found = pulse(server)
    assert found["total"]["requests"][0] is None
    # Other tests go on with this server.
    server.launch("afterwards")


@pytest.mark.parametrize(
    ("query", "param"),
    [("?minutes=0", "minutes"), ("?minutes=1441", "minutes"), ("?uid=m", "uid")],
)
def test_bad_queries(server: Server, query: str, param: str) -> None:
    answer = server.get(f"/api/pulse{query}")
    assert answer.status == 400
    assert answer.json()["error"]["param"] == param
