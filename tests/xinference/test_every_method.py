"""One story through every management method of the published clients, the sync and the async one:
what they send and what they make of the answers is theirs."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from typing import Any

import pytest
from xinference_client import AsyncRESTfulClient, RESTfulClient

from tests.support.server import API_KEY, Server, wait_for
from tests.xinference.test_registrations import custom

FAKE: dict[str, Any] = {"model_engine": "fake", "model_path": "/dev/null"}
#: the end of the server has a test of its own, and no route behind it
APART = {"abort_cluster", "close"}


class Told:
    """A client whose methods are all called in the same way, and written down."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.called: set[str] = set()

    async def __call__(self, method: str, *args: Any, **values: Any) -> Any:
        self.called.add(method)
        answer = getattr(self.client, method)(*args, **values)
        return await answer if inspect.isawaitable(answer) else answer

    @property
    def methods(self) -> set[str]:
        found = inspect.getmembers(type(self.client), inspect.isfunction)
        return {name for name, _ in found if not name.startswith("_")} - APART


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_whole_story(server: Server, kind: str) -> None:
    clients = {"sync": RESTfulClient, "async": AsyncRESTfulClient}
    client = clients[kind](server.base, api_key=API_KEY)
    told = Told(client)
    try:
        await _login(told)
        await _launch(told, kind, server)
        await _autostart(told, kind)
        await _register(told, kind)
        await _files(told)
        await _cluster(told, server)
        assert told.methods - told.called == set()
    finally:
        closed = client.close()
        if inspect.isawaitable(closed):
            await closed


async def _login(told: Told) -> None:
    await told("login", "admin", "test-admin-password-1")


async def _launch(told: Told, kind: str, server: Server) -> None:
    uid = await told("launch_model", "counting", model_uid=f"{kind}-1", **FAKE, step_ms=1)
    assert uid == f"{kind}-1"
    assert uid in await told("list_models")
    described = await told("describe_model", uid)
    assert described["model_type"] == "LLM"
    handle = await told("get_model", uid)
    answer = handle.chat([{"role": "user", "content": "hi"}], generate_config={"max_tokens": 2})
    answer = await answer if inspect.isawaitable(answer) else answer
    assert answer["choices"][0]["message"]["content"] == "0 1 "
    assert (await told("get_launch_model_progress", uid))["progress"] == 1.0
    added = await told("add_model_replica", uid)
    (instance,) = await told("get_instance_info", "", uid)
    assert [one["status"] for one in instance["replica_statuses"]] == ["READY", "READY"]
    assert await told("terminate_model_replica", uid, added["replica_id"]) == 1
    assert (await told("get_model_reload_config", uid))["model_config"]["step_ms"] == 1
    assert (await told("reload_model", uid, {"step_ms": 2}))["status"] == "reloading"
    while (status := await told("get_model_reload_status", uid))["status"] == "reloading":
        assert status["operation_id"]
    assert status["status"] == "ready"
    assert await told("abort_request", uid, "nothing-of-this-name") is not None
    with pytest.raises(RuntimeError, match="nothing-of-this-name"):
        await told("get_progress", "nothing-of-this-name")
    await told("terminate_model", uid)
    wait_for(lambda: not server.state(uid), "it to be gone")
    slow = await told("launch_model", f"{kind}-slow", **FAKE, load_s=60, wait_ready=False)
    await told("cancel_launch_model", slow)
    with pytest.raises(RuntimeError, match="-slow"):
        await told("terminate_model", slow)


async def _autostart(told: Told, kind: str) -> None:
    entry = {"launch": {"model_name": "always", "model_uid": f"{kind}-always", **FAKE}}
    entries = (await told("upsert_autostart_model", entry))["models"]
    assert [one["launch"]["model_uid"] for one in entries] == [f"{kind}-always"]
    assert (await told("get_autostart_config"))["models"] == entries
    summary = await told("get_autostart_model_summary")
    assert summary == {"models": [{"enabled": True, "model_uid": f"{kind}-always"}]}
    assert await told("remove_autostart_model", f"{kind}-always") == {"models": []}
    await told("terminate_model", f"{kind}-always")


async def _register(told: Told, kind: str) -> None:
    name = f"{kind}-demo"
    await told("register_model", "LLM", json.dumps(custom(name)), True)
    assert name in [one["model_name"] for one in await told("list_model_registrations", "LLM")]
    assert (await told("get_model_registration", "LLM", name))["model_name"] == name
    engines = await told("query_engine_by_model_name", name)
    assert engines["llama.cpp"] == [
        {
            "model_name": name,
            "model_format": "ggufv2",
            "model_size_in_billions": "0_5",
            "quantizations": ["none"],
        }
    ]
    assert isinstance(engines["vLLM"], str)
    uid = await told("launch_model", name, model_engine="llama.cpp", n_gpu=None, n_ctx=256)
    assert uid == name
    handle = await told("get_model", uid)
    answer = handle.chat([{"role": "user", "content": "hi"}], generate_config={"max_tokens": 8})
    answer = await answer if inspect.isawaitable(answer) else answer
    assert answer["choices"][0]["message"]["content"]
    (instance,) = await told("get_instance_info", name, uid)
    assert instance["model_version"] == f"{name}--0_5B--ggufv2--none"
    await told("terminate_model", uid)
    await told("unregister_model", "LLM", name)


async def _files(told: Told) -> None:
    assert await told("list_cached_models") == []
    version = "nothing--7B--pytorch--none"
    assert (await told("list_deletable_models", version))["paths"] == []
    assert await told("confirm_and_remove_model", version) is False


async def _cluster(told: Told, server: Server) -> None:
    assert [one["work-ip"] for one in await told("get_workers_info")] == ["local"]
    assert (await told("get_supervisor_info"))["supervisor_ip"].startswith("127.0.0.1")
    supported = await told("vllm_models")
    assert supported["chat"]
    for service in ("worker", "supervisor", "api"):
        if f"relaunch_{service}" not in told.methods:
            continue  # the asynchronous one has it for workers only
        where = ("local",) if service == "worker" else ()
        begun = await told(f"relaunch_{service}", *where)
        assert begun["operation_id"]
        state = await _ended(told, service, begun["operation_id"])
        assert state["status"] == "succeeded", state
        listed = await told(f"list_{service}_relaunches")
        assert listed[0]["operation_id"] == begun["operation_id"]


async def _ended(told: Told, service: str, operation: str) -> dict[str, Any]:
    """The web process answers no new connection while it is started anew."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state: dict[str, Any] = await told(f"get_{service}_relaunch", operation)
        except (OSError, RuntimeError):
            state = {"status": "unknown"}
        if state["status"] in ("succeeded", "failed"):
            return state
        await asyncio.sleep(0.1)
    raise AssertionError(f"the {service} does not come back")
