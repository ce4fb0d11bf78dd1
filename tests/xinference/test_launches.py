"""The published client launches, lists, describes, scales, reloads and terminates."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from xinference_client import RESTfulClient

from tests.support.server import API_KEY, Server, wait_for

FAKE: dict[str, Any] = {"model_engine": "fake", "model_path": "/dev/null"}


@pytest.fixture
def model(client: Any) -> Any:
    uid = client.launch_model("counting", model_uid="counting-1", **FAKE, step_ms=1)
    yield uid
    client.terminate_model(uid)


def test_launch_waits_until_it_is_ready(client: Any, server: Server) -> None:
    uid = client.launch_model("some-name", **FAKE, step_ms=1, load_s=0.3)
    assert uid == "some-name"
    assert server.state(uid) == "ready"
    listed = client.list_models()
    assert listed[uid]["id"] == uid
    answer = client.get_model(uid).chat(
        messages=[{"role": "user", "content": "hi"}], generate_config={"max_tokens": 3}
    )
    assert answer["choices"][0]["message"]["content"] == "0 1 2 "
    # The name is taken, but nobody asked for it.
    second = client.launch_model("some-name", **FAKE)
    assert second.startswith("some-name-")
    for one in (uid, second):
        client.terminate_model(one)
    wait_for(lambda: uid not in client.list_models(), "it to be gone")


def test_launch_without_waiting_and_its_progress(client: Any, server: Server) -> None:
    assert client.get_launch_model_progress("slow")["stage"] == "pending"
    uid = client.launch_model("slow", **FAKE, load_s=2, wait_ready=False)
    seen = [client.get_launch_model_progress(uid)]
    assert seen[0]["progress"] < 1
    while seen[-1]["stage"] != "completed":
        assert seen[-1]["stage"] in ("pending", "launching", "loading")
        assert len(seen) < 1000
        seen.append(client.get_launch_model_progress(uid))
    shares = [one["progress"] for one in seen]
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert seen[-1]["replicas"][0]["stage"] == "completed"
    client.terminate_model(uid)


def test_cancel(client: Any, server: Server) -> None:
    refused: list[str] = []

    def launch() -> None:
        other = RESTfulClient(server.base, api_key=API_KEY)
        try:
            other.launch_model("never", **FAKE, load_s=60)
        except RuntimeError as error:
            refused.append(str(error))
        other.close()

    waiting = threading.Thread(target=launch)
    waiting.start()
    wait_for(
        lambda: client.get_launch_model_progress("never")["stage"] == "loading", "it to load", 30
    )
    client.cancel_launch_model("never")
    waiting.join(30)
    assert "cancelled" in refused[0]
    assert "never" not in client.list_models()
    with pytest.raises(RuntimeError, match="no launch 'nothing'"):
        client.cancel_launch_model("nothing")


def test_a_launch_that_fails_says_why(client: Any) -> None:
    with pytest.raises(RuntimeError, match="no_such_option"):
        client.launch_model("wrong", **FAKE, no_such_option=1)
    client.terminate_model("wrong")


def test_describe_and_instances(client: Any, model: str) -> None:
    found = client.describe_model(model)
    assert found["model_type"] == "LLM"
    assert "chat" in found["model_ability"]
    (instance,) = client.get_instance_info(None, model)
    assert (instance["status"], instance["replica"]) == ("READY", 1)
    (replica,) = instance["replica_statuses"]
    assert replica["status"] == "READY"
    assert client.get_instance_info("another-name", model) == []
    with pytest.raises(RuntimeError):
        client.describe_model("nothing")


def test_replicas(client: Any, model: str, server: Server) -> None:
    added = client.add_model_replica(model)
    assert added["worker_address"] == "local"
    two = client.add_model_replica(model, replica=2)
    assert (two["replica"], len(two["replicas"])) == (2, 2)
    replicas = server.get(f"/v1/models/{model}/replicas").json()
    assert [one["status"] for one in replicas] == ["READY"] * 4
    assert client.terminate_model_replica(model, added["replica_id"]) == 3
    with pytest.raises(RuntimeError, match="no replica 99"):
        client.terminate_model_replica(model, 99)
    placed = client.add_model_replica(
        model, replica_config={"devices": [{"worker_ip": "local", "n_gpu": 0}]}
    )
    assert placed["worker_address"] == "local"
    with pytest.raises(RuntimeError, match="'mars' is no node; there are: local"):
        client.add_model_replica(model, replica_config={"devices": [{"worker_ip": "mars"}]})
    with pytest.raises(RuntimeError, match="engine"):
        client.add_model_replica(model, model_engine="vLLM")


def test_the_last_replica_takes_the_model_along(client: Any) -> None:
    uid = client.launch_model("lonely", **FAKE)
    (instance,) = client.get_instance_info(None, uid)
    last = instance["replica_statuses"][0]["replica_id"]
    assert client.terminate_model_replica(uid, last) == 0
    wait_for(lambda: uid not in client.list_models(), "it to be gone")


def test_reload(client: Any, model: str, server: Server) -> None:
    assert client.get_model_reload_status(model)["status"] == "idle"
    config = client.get_model_reload_config(model)
    assert config["model_config"]["step_ms"] == 1
    begun = client.reload_model(model, {"step_ms": 2, "slots": 3})
    assert begun["status"] == "reloading"
    wait_for(lambda: client.get_model_reload_status(model)["status"] == "ready", "the reload", 30)
    assert client.get_model_reload_status(model)["operation_id"] == begun["operation_id"]
    after = client.get_model_reload_config(model)["model_config"]
    assert (after["step_ms"], after["slots"]) == (2, 3)
    assert server.chat(model, max_tokens=2).status == 200
    with pytest.raises(RuntimeError, match="nothing to change"):
        client.reload_model(model, {})
    with pytest.raises(RuntimeError, match="python_executable"):
        client.reload_model(model, {"step_ms": 1}, python_executable="/usr/bin/python3")


def test_autostart(client: Any, model: str) -> None:
    before = client.get_autostart_model_summary()["models"]
    assert model not in [entry["model_uid"] for entry in before]
    entry = {"launch": {"model_name": "counting", "model_uid": model}}
    assert [one["launch"]["model_uid"] for one in client.upsert_autostart_model(entry)["models"]]
    (listed,) = client.get_autostart_config()["models"]
    assert listed["launch"]["model_uid"] == model
    assert listed["state"]["instance_status"] == "READY"
    # One that does not run is launched.
    client.upsert_autostart_model({"model_name": "other", "model_uid": "other", **FAKE})
    names = [entry["model_uid"] for entry in client.get_autostart_model_summary()["models"]]
    assert sorted(names) == [model, "other"]
    client.terminate_model("other")
    assert client.remove_autostart_model(model) == {"models": []}
    assert client.remove_autostart_model("nothing") == {"models": []}


def test_requests_are_aborted(client: Any, model: str, server: Server) -> None:
    assert client.abort_request(model, "no-such-request") is not None


def test_events(client: Any, model: str, server: Server) -> None:
    events = server.get(f"/v1/models/{model}/events").json()
    assert {"event_type", "event_ts", "event_content"} == set(events[0])
    assert any("ready" in event["event_content"] for event in events)
