"""Whatever comes in, the answer is a 4xx that names the field, in both forms of an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.server import Answer, Server

GOOD: dict[str, Any] = {
    "model_name": "counting",
    "model_engine": "fake",
    "model_path": "/dev/null",
}


def refused(answer: Answer, status: int, param: str | None, says: str = "") -> None:
    assert answer.status == status, answer.body
    body = answer.json()
    assert body["detail"] == body["error"]["message"]
    assert set(body["error"]) >= {"message", "type", "param", "code"}
    assert body["error"]["param"] == param
    assert says in body["detail"]
    for secret in ("Traceback", "/tmp/", ".sock", "pid", "127.0.0.1"):
        assert secret not in body["detail"]


@pytest.mark.parametrize(
    ("change", "param", "says"),
    [
        ({"model_name": None}, "model_name", ""),
        ({"model_name": " "}, "model_name", "empty"),
        ({"model_name": 7}, "model_name", "str"),
        ({"model_uid": "a b"}, "model_uid", "letters"),
        ({"model_uid": "x" * 101}, "model_uid", "letters"),
        ({"model_type": "poem"}, "model_type", "embedding"),
        ({"model_engine": "vLLLM"}, "model_engine", "There are"),
        ({"model_engine": ["fake"]}, "model_engine", "str"),
        ({"model_size_in_billions": []}, "model_size_in_billions", ""),
        ({"model_size_in_billions": "big"}, "model_size_in_billions", "no size"),
        ({"replica": 0}, "replica", "at least 1"),
        ({"replica": "two"}, "replica", "int"),
        ({"replica": 10**9}, "replica", ""),
        ({"n_worker": 2}, "n_worker", "one node"),
        ({"n_gpu": "many"}, "n_gpu", ""),
        ({"n_gpu": -1}, "n_gpu", "negative"),
        ({"gpu_idx": [0, 0]}, "gpu_idx", "twice"),
        ({"gpu_idx": [0, 1, 2], "replica": 2}, "gpu_idx", "evenly"),
        ({"gpu_idx": [99]}, "gpu_idx", "no node has"),
        ({"worker_ip": "mars"}, "worker_ip", "there are: local"),
        ({"replica_config": [{"devices": []}]}, "replica_config[0].devices", "one node"),
        ({"replica_config": [{"devices": [{}]}]}, "replica_config[0].devices[0].worker_ip", ""),
        ({"replica_config": []}, "replica_config", "0 entries for 1"),
        (
            {"replica_config": [{"devices": [{"worker_ip": "local"}], "colour": "red"}]},
            "replica_config[0].colour",
            "no field",
        ),
        (
            {"replica_config": [{"devices": [{"worker_ip": "local"}]}], "worker_ip": "local"},
            "replica_config",
            "leave out",
        ),
        ({"peft_model_config": {"lora_list": [{"lora_name": "a"}]}},
         "peft_model_config.lora_list[0].local_path", "missing"),
        ({"peft_model_config": {"lora_list": [{"lora_name": "a b", "local_path": "/l"}]}},
         "peft_model_config", "no name"),
        ({"envs": {"A B": "1"}}, "envs", "variable"),
        ({"envs": {"A": 1}}, "envs[...]", "str"),
        ({"virtual_env_packages": ["--index-url=x"]}, "virtual_env_packages", "requirement"),
        ({"virtual_env_find_links": ["/wheels"]}, "virtual_env_find_links", "engine_index"),
        ({"request_limits": 0}, "request_limits", "at least 1"),
        ({"n_ctx": "long"}, "n_ctx", "number"),
        ({"enable_thinking": False}, "enable_thinking", "chat_template_kwargs"),
    ],
)  # fmt: skip
def test_launch(server: Server, change: dict[str, Any], param: str, says: str) -> None:
    body = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    refused(server.post("/v1/models", body), 400, param, says)
    assert server.state("counting") == ""


@pytest.mark.parametrize(
    ("change", "param", "says"),
    [
        ({"model_name": "no-such-family"}, "model_name", ""),
        ({"model_size_in_billions": 12345}, "model_size_in_billions", ""),
        ({"model_format": "zip"}, "model_format", "ggufv2"),
        ({"quantization": "Q99"}, "quantization", "there are"),
        ({"model_engine": "lama.cpp"}, "model_engine", "llama.cpp"),
        ({"model_engine": "transformers", "model_format": "ggufv2"}, "model_engine", "gguf"),
    ],
)
def test_launch_of_a_family(
    server: Server, client: Any, change: dict[str, Any], param: str, says: str
) -> None:
    """The answer tells what exists."""
    body = {"model_name": "qwen3", "model_engine": "llama.cpp", "model_uid": "wrong", **change}
    refused(server.post("/v1/models", body), 400, param, says)
    assert server.state("wrong") == ""


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff", b'{"a": ' * 2000, b"nothing"])
def test_bodies_that_are_no_object(server: Server, body: bytes) -> None:
    for route in ("/v1/models", "/v1/models/demo/replicas", "/v1/model_registrations/LLM"):
        answer = server.post(route, body)
        refused(answer, 400, None, "body is")
        assert answer.json()["error"]["code"] == "invalid_json"


def test_body_that_is_too_large(server: Server) -> None:
    refused(server.post("/v1/models", b" " * (33 << 20)), 413, None)


def test_unknown_things(server: Server) -> None:
    for method, route, param in (
        ("DELETE", "/v1/models/nothing", "model_uid"),
        ("POST", "/v1/models/nothing/cancel", "model_uid"),
        ("GET", "/v1/models/nothing/reload", "model_uid"),
        ("GET", "/v1/models/nothing/replicas", "model_uid"),
        ("DELETE", "/v1/models/nothing/replicas/1", "model_uid"),
        ("GET", "/v1/model_registrations/LLM/nothing", "model_name"),
        ("GET", "/v1/api-relaunches/nothing", "operation_id"),
        ("GET", "/v1/supervisor-relaunches/nothing", "operation_id"),
        ("GET", "/v1/worker-relaunches/nothing", "operation_id"),
        ("GET", "/v1/no/such/route", None),
    ):
        refused(server.request(method, route), 404, param)
    refused(server.request("PUT", "/v1/models/demo"), 405, None)


def test_name_is_taken(server: Server) -> None:
    body = {**GOOD, "model_uid": "mine"}
    assert server.post("/v1/models", body).json() == {"model_uid": "mine"}
    refused(server.post("/v1/models", body), 409, "model_uid", "already")
    refused(server.post("/v1/models/mine/cancel", {}), 409, "uid", "ready already")
    for wrong, param in (
        ({"model_config": {"stepms": 1}}, "model_config.stepms"),
        ({"model_config": {"step_ms": "quick"}}, "model_config.step_ms"),
        ({"model_config": {"slots": "x"}}, "model_config.slots"),
        ({"model_config": {}}, "model_config"),
        ({"model_config": {"step_ms": 1}, "drain_timeout": 0}, "drain_timeout"),
        ({}, "model_config"),
    ):
        refused(server.post("/v1/models/mine/reload", wrong), 400, param)
    assert server.state("mine") == "ready"
    assert server.request("DELETE", "/v1/models/mine").status == 200


def test_who_may(server: Server) -> None:
    for route in ("/v1/workers", "/v1/model_registrations/LLM", "/v1/models/x/progress"):
        refused(server.get(route, key=None), 401, None)
        refused(server.get(route, key="xp-wrong"), 401, None)
    refused(server.post("/v1/models", GOOD, key=None), 401, None)
    refused(server.request("DELETE", "/v1/clusters", key="xp-wrong"), 401, None)


def test_wait_ready_is_a_boolean(server: Server) -> None:
    refused(server.post("/v1/models?wait_ready=perhaps", GOOD), 400, "wait_ready")
