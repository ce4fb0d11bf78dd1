"""Who may, what there is, and the server's own processes."""

from __future__ import annotations

from typing import Any

import pytest
from xinference_client import RESTfulClient

from tests.support.server import Server, serving, wait_for

PASSWORD = "test-admin-password-1"


def test_whether_keys_are_needed(server: Server) -> None:
    answer = server.get("/v1/cluster/auth", key=None)
    assert (answer.status, answer.json()) == (200, {"auth": True})


def test_login(server: Server) -> None:
    client = RESTfulClient(server.base)
    with pytest.raises(RuntimeError, match="key"):
        client.list_models()
    with pytest.raises(RuntimeError, match="name or the password"):
        client.login("admin", "wrong")
    client.login("admin", PASSWORD)
    assert "demo" in client.list_models()
    assert client.get_workers_info()
    client.close()
    # It is a login and not a key: nothing is left behind in the list.
    assert "login" not in [key["name"] for key in server.get("/api/keys").json()]


def test_password_that_is_guessed(server: Server) -> None:
    body = {"username": "somebody", "password": "guess"}
    answers = [server.post("/token", body, key=None) for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[-1].json()["error"]["code"] == "too_many_attempts"
    assert int(answers[-1].headers["retry-after"]) > 0
    # Others are not shut out with it.
    good = {"username": "admin", "password": PASSWORD}
    assert server.post("/token", good, key=None).status == 200
    for wrong in ({}, {"username": "admin"}, {"username": [], "password": {}}):
        assert server.post("/token", wrong, key=None).status == 400


def test_cluster_information(client: Any, server: Server) -> None:
    (worker,) = client.get_workers_info()
    assert worker["work-ip"] == "local"
    uid = client.launch_model("on-a-node", model_engine="fake", model_path="/dev/null")
    (worker,) = client.get_workers_info()
    # Those of other tests may be ending still.
    assert uid in [running["model_uid"] for running in worker["models"].values()]
    client.terminate_model(uid)
    address = f"127.0.0.1:{server.port}"
    assert client.get_supervisor_info() == {"supervisor_ip": address}
    assert client._get_supervisor_internal_address() == address
    assert server.get("/v1/cluster/version").json()["version"]
    assert server.get("/v1/cluster/devices").json() >= 0
    supervisor, machine = server.get("/v1/cluster/info").json()
    assert (supervisor["node_type"], machine["node_type"]) == ("Supervisor", "Worker")
    assert machine["ip_address"] == "local"
    supervisor, machine = server.get("/v1/cluster/info?detailed=true").json()
    assert machine["mem_total"] > machine["mem_used"] > 0
    assert machine["cpu_count"] > 0
    assert machine.keys() >= supervisor.keys()


async def test_relaunch_of_a_worker(aclient: Any) -> None:
    # The asynchronous client has this one only.
    begun = await aclient.relaunch_worker("local", request_id="mine-1")
    assert begun["operation_id"] == "mine-1"
    assert begun["worker_address"] == "local"
    assert (await aclient.relaunch_worker("local", request_id="mine-1"))["created_at"] == begun[
        "created_at"
    ]
    assert await aclient.get_worker_relaunch("mine-1")
    listed = await aclient.list_worker_relaunches()
    assert "mine-1" in [one["operation_id"] for one in listed]
    with pytest.raises(RuntimeError, match="no restart"):
        await aclient.get_worker_relaunch("nothing")


def test_relaunch_of_the_control_plane_and_the_web(client: Any, server: Server) -> None:
    def done(look: Any, begun: dict[str, Any]) -> bool:
        try:
            return bool(look(begun["operation_id"])["status"] == "succeeded")
        except (OSError, RuntimeError):
            return False  # the only web process is the one that is started anew

    uid = client.launch_model("goes-on", model_engine="fake", model_path="/dev/null")
    replica = server.replica_pid(uid)
    wait_for(
        lambda: all(
            one["status"] in ("succeeded", "failed") for one in client.list_worker_relaunches()
        ),
        "earlier ones to end", 60,
    )  # fmt: skip
    control, web = server.pid("control"), server.pid("web")
    begun = client.relaunch_supervisor()
    wait_for(lambda: done(client.get_supervisor_relaunch, begun), "the control plane", 60)
    assert begun["operation_id"] in [
        one["operation_id"] for one in client.list_supervisor_relaunches()
    ]
    assert server.pid("control") != control
    begun = client.relaunch_api()
    wait_for(lambda: done(client.get_api_relaunch, begun), "the web process", 60)
    assert begun["operation_id"] in [one["operation_id"] for one in client.list_api_relaunches()]
    assert server.pid("web") != web
    wait_for(lambda: server.state(uid) == "ready", "the model to be seen again", 30)
    assert server.chat(uid, max_tokens=2).status == 200
    assert server.replica_pid(uid) == replica
    client.terminate_model(uid)
    with pytest.raises(RuntimeError, match="python_executable"):
        client.relaunch_api(python_executable="/usr/bin/python3")


def test_abort_cluster() -> None:
    with serving() as server:
        made = server.post("/api/keys", {"name": "a user's"}).json()
        assert made["key"]
        client = RESTfulClient(server.base, api_key=made["key"])
        assert client.abort_cluster() == {"result": True}
        client.close()
        assert server.process is not None
        assert server.process.wait(30) == 0
