"""Files and environments on the nodes, over Xinference's routes."""

from __future__ import annotations

from typing import Any

from tests.support.server import Server


def test_environments(server: Server) -> None:
    found = server.get("/v1/virtualenvs").json()["list"]
    ready = {one["model_engine"]: one for one in found if one["state"] == "ready"}
    for one in ready.values():
        assert one["actor_ip_address"] == "local"
        assert one["path"]
    for engine in ready:
        (only,) = server.get(f"/v1/virtualenvs?model_engine={engine}").json()["list"]
        assert only["model_engine"] == engine
        body = server.get(f"/v1/virtualenvs/packages?model_engine={engine}").json()
        assert body["worker_ip"] == "local"
        names = [package["name"] for package in body["packages"]]
        assert "msgspec" in names
        assert all(package["version"] for package in body["packages"])
    # One that has none of its own.
    gone = server.request("DELETE", "/v1/virtualenvs?model_engine=fake")
    assert (gone.status, gone.json()) == (200, {"result": False})
    for method, route in (
        ("DELETE", "/v1/virtualenvs"),
        ("GET", "/v1/virtualenvs/packages"),
        ("GET", "/v1/virtualenvs?worker_ip=mars"),
    ):
        assert server.request(method, route).status == 400, route
    assert server.get("/v1/virtualenvs/packages?model_engine=fake").status == 404
    assert server.request("DELETE", "/v1/virtualenvs?model_engine=lama").status == 404


def test_history(server: Server, client: Any) -> None:
    uid = client.launch_model(
        "remembered", model_engine="fake", model_path="/dev/null", envs={"TOKEN": "secret"}
    )
    client.terminate_model(uid)
    (entry,) = server.get("/v1/launch_history?model_name=remembered").json()
    assert entry["status"] == "TERMINATED"
    assert entry["is_owner"] is True
    assert "secret" not in str(entry)
    again = {**entry["data"], "envs": None}
    assert server.post("/v1/models", again).status == 200
    (entry,) = server.get("/v1/launch_history?model_name=remembered&scope=mine").json()
    assert entry["status"] == "READY"
    client.terminate_model(uid)
    assert server.request("DELETE", f"/v1/launch_history/{uid}/{uid}").status == 200
    assert server.get("/v1/launch_history?model_name=remembered").json() == []


def test_logs(server: Server) -> None:
    body = server.get("/v1/cluster/logs?log_type=warden&size=500").json()
    assert body["total"] == len(body["hits"]) > 0
    assert {(hit["node"], hit["log_type"]) for hit in body["hits"]} == {("local", "warden")}
    assert any("started" in hit["message"] for hit in body["hits"])
    times = [hit["@timestamp"] for hit in body["hits"]]
    assert times == sorted(times, reverse=True)


def test_recommendation(server: Server) -> None:
    answer = server.post("/v1/models/recommend", {"model_name": "qwen3"})
    assert answer.status == 200
    assert answer.json()["status"] == "recommended"
    assert server.post("/v1/models/recommend", {"model_name": "qwen-33"}).status == 404
