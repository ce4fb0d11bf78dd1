"""Every route that is not a model's: probes, documents, admin, launches by HTTP and by command."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.clients import count, whole
from tests.support.server import API_KEY, Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 1})
        yield made


def test_probes_are_open_and_quick(server: Server) -> None:
    for path in ("/healthz", "/readyz", "/status", "/metrics"):
        assert server.get(path, key=None).status == 200, path
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ready"}
    for path in ("/healthz", "/readyz"):
        answer = server.request("HEAD", path, key=None)
        assert (answer.status, answer.body) == (200, b"")


def test_what_was_made_can_be_used_at_once(server: Server) -> None:
    """The hint about a new launch or key may come later than the first request that uses it."""
    for number in range(5):
        server.launch(f"new-{number}", options={"step_ms": 1}, wait=False)
        whole(server, f"new-{number}", 3).counted(3)
        made = server.request("POST", "/api/keys", {"name": "new"}).json()
        assert server.get("/v1/models", key=made["key"]).status == 200
        assert server.request("DELETE", f"/api/launches/new-{number}").status == 200


def test_status_tells_more_to_those_with_a_key(server: Server) -> None:
    short = server.get("/status", key=None).json()
    assert short["status"] == "ok"
    assert short["version"]
    assert "replicas" not in short
    assert server.get("/status", key="xp-wrong").status == 401
    long = server.get("/status").json()
    assert {model["id"] for model in long["models"]} >= {"m", "demo"}
    # Replicas of models that were ended a moment ago may still be on their way out.
    (replica,) = (replica for replica in long["replicas"] if replica["model"] == "m")
    assert replica["state"] == "ready"


def test_metrics_are_prometheus_text(server: Server) -> None:
    whole(server, "m", 5).counted(5)
    server.chat("m", temperature=9)
    server.chat("none")
    answer = server.get("/metrics", key=None)
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    tokens = ("xplatform_tokens_total", ("kind", "completion"), ("model", "m"))
    assert values[tokens] >= 5
    chat = ("route", "/v1/chat/completions")
    requests = "xplatform_requests_total"
    assert values[requests, ("model", "m"), chat, ("status", "200")] >= 1
    assert values[requests, ("model", ""), chat, ("status", "400")] >= 1
    # A name that nobody knows must not make a series of its own.
    assert values[requests, ("model", ""), chat, ("status", "404")] == 1
    assert values[("xplatform_replicas", ("model", "m"), ("state", "ready"))] == 1
    assert values[("xplatform_requests_in_flight",)] == 0


def test_a_flood_of_wrong_names_is_refused_soon(server: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        began = time.monotonic()
        said = list(pool.map(lambda n: server.chat(f"none-{n}").status, range(200)))
        wrong = list(pool.map(lambda n: server.get("/v1/models", key=f"xp-{n}").status, range(200)))
    assert set(said) == {404}
    assert set(wrong) == {401}
    assert time.monotonic() - began < 60


def test_the_document_has_all_routes(server: Server) -> None:
    page = server.get("/docs", key=None)
    assert page.status == 200
    # Its script is a file of its own, since the page may run no other.
    script = server.get("/docs?script=", key=None)
    assert script.status == 200
    assert b"openapi.json" in script.body
    document = server.get("/docs/openapi.json", key=None).json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) >= {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/models",
        "/v1/tokenize",
        "/v1/detokenize",
        "/api/launches",
        "/api/launches/{uid}",
        "/api/nodes",
    }
    chat = document["paths"]["/v1/chat/completions"]["post"]
    body = chat["requestBody"]["content"]["application/json"]["schema"]
    name = body["$ref"].rpartition("/")[2]
    assert "messages" in document["components"]["schemas"][name]["properties"]


def test_the_page_needs_nothing_from_elsewhere(server: Server) -> None:
    page = server.get("/docs", key=None).body.decode()
    for name in ("src=", "href="):
        for part in page.split(name)[1:]:
            link = part.strip("\"'")
            assert not link.startswith(("http:", "https:", "//")), link[:100]
    script = next(p for p in page.split('src="')[1:] if "swagger" in p).split('"')[0]
    assert server.get(script, key=None).status == 200


def test_the_admin_lets_the_first_administrator_in(server: Server) -> None:
    page = server.get("/admin/login/", key=None)
    assert page.status == 200
    assert b"csrfmiddlewaretoken" in page.body
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(server.base + "/admin/login/") as answer:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode())
    assert found is not None
    token = found[1]
    form = urllib.parse.urlencode(
        {
            "csrfmiddlewaretoken": token,
            "username": "admin",
            "password": "test-admin-password-1",
            "next": "/admin/",
        }
    )
    with opener.open(server.base + "/admin/login/", form.encode()) as answer:
        assert answer.url == server.base + "/admin/"
        assert b"Log out" in answer.read()
    with opener.open(server.base + "/admin/models/launch/") as answer:
        assert answer.status == 200


def test_tokens_there_and_back(server: Server) -> None:
    there = server.post("/v1/tokenize", {"model": "m", "prompt": "one two one"}).json()
    assert there["count"] == 3
    assert there["tokens"][0] == there["tokens"][2] != there["tokens"][1]
    assert there["max_model_len"] == 8192
    back = server.post("/v1/detokenize", {"model": "m", "tokens": [1, 2]}).json()
    assert back == {"prompt": "1 2"}


# --- launches --------------------------------------------------------------------------------


def test_a_launch_by_http(server: Server) -> None:
    body = {"uid": "by-http", "engine": "fake", "model_path": "/x", "options": {"step_ms": 1}}
    assert server.post("/api/launches", body, key=None).status == 401
    made = server.post("/api/launches", body)
    assert made.status == 201
    assert made.json()["uid"] == "by-http"
    again = server.post("/api/launches", body)
    assert again.status == 409
    assert again.json()["error"]["code"] == "conflict"
    whole(server, "by-http", 3).counted(3)
    wait_for(lambda: server.launch_state("by-http")["state"] == "ready", "the state")
    states = [event["after"] for event in server.launch_state("by-http")["events"]]
    assert states[-1] == "ready"
    assert server.request("DELETE", "/api/launches/by-http").status == 200
    wait_for(lambda: server.get("/v1/models/by-http").status == 404, "the model to be gone")
    wait_for(lambda: len(server.pids("replica")) == 1, "its replica to be gone", 30)


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"engine": "fakke"}, "engine"),
        ({"uid": "../x"}, "uid"),
        ({"kind": "smell"}, "kind"),
        ({"slots": 0}, "slots"),
        ({"slots": "many"}, "slots"),
        ({"colour": "red"}, "colour"),
        ({"options": "fast"}, "options"),
    ],
    ids=str,
)
def test_a_wrong_launch_names_its_field(
    server: Server, values: dict[str, object], param: str
) -> None:
    body = {"uid": "x", "engine": "fake", "model_path": "/x", **values}
    answer = server.post("/api/launches", body)
    assert answer.status == 400
    error = answer.json()["error"]
    assert error["param"] == param, error


def test_nodes_are_listed(server: Server) -> None:
    (node,) = server.get("/api/nodes").json()
    assert node["name"] == "local"
    assert node["state"] == "up"


def command(server: Server, *words: str, key: str = API_KEY) -> subprocess.CompletedProcess[str]:
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith("XPLATFORM")},
        "PYTHONPATH": server.environ["PYTHONPATH"],
        "XPLATFORM_HOME": str(server.home),
        "XPLATFORM_API_KEY": key,
    }
    return subprocess.run(
        [sys.executable, "-m", "xplatform", *words],
        env=environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_launch_list_and_terminate_by_command(server: Server) -> None:
    done = command(
        server, "launch", "--uid", "by-hand", "--engine", "fake", "--model-path", "/x",
        "--slots", "2", "--option", "step_ms=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "by-hand is ready" in done.stdout
    whole(server, "by-hand", 4).counted(4)
    listed = command(server, "list")
    assert listed.returncode == 0
    assert "by-hand" in listed.stdout
    told = json.loads(command(server, "list", "--json").stdout)
    assert {launch["uid"]: launch["slots"] for launch in told}["by-hand"] == 2
    ended = command(server, "terminate", "--uid", "by-hand")
    assert ended.returncode == 0, ended.stderr
    assert server.chat("by-hand").status in (404, 503)
    assert "by-hand" not in command(server, "list").stdout


def test_commands_say_in_one_sentence_what_is_wrong(server: Server) -> None:
    for words, code, said in (
        (("terminate", "--uid", "none"), 3, "none"),
        (("launch", "--uid", "x", "--engine", "fakke", "--model-path", "/x"), 2, "fakke"),
        (("launch", "--uid", "m", "--engine", "fake", "--model-path", "/x"), 5, "m"),
        (("list", "--endpoint", "http://127.0.0.1:9"), 6, "No server answers"),
    ):
        done = command(server, *words)
        assert done.returncode == code, done
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    wrong = command(server, "list", key="xp-wrong")
    assert wrong.returncode == 4
    assert "key" in wrong.stderr


def test_a_launch_that_fails_tells_why_by_command(server: Server) -> None:
    done = command(
        server, "launch", "--uid", "bad", "--engine", "fake", "--model-path", "/x",
        "--option", "die_in_load=3",
    )  # fmt: skip
    assert done.returncode == 1
    assert "dying in load, as told" in done.stderr
    assert "exited with code 3" in done.stderr
    assert command(server, "terminate", "--uid", "bad").returncode == 0


def test_a_model_without_a_file_is_told(server: Server) -> None:
    done = command(
        server, "launch", "--uid", "lost", "--engine", "llama.cpp", "--model-path", "/no/such.gguf"
    )
    assert done.returncode == 2
    assert "/no/such.gguf" in done.stderr
    assert server.chat("lost").status == 404
    assert server.request("GET", "/api/launches/lost").status == 404


def test_requests_wait_for_a_model_that_loads(server: Server) -> None:
    server.launch("loading", options={"load_s": 2.0, "step_ms": 1}, wait=False)
    wait_for(lambda: server.get("/v1/models/loading").status == 200, "the model to be known")
    answer = server.chat("loading", max_tokens=3, temperature=0.1)
    assert answer.status == 200, answer.body
    assert answer.json()["choices"][0]["message"]["content"] == count(3)
    assert command(server, "terminate", "--uid", "loading").returncode == 0
