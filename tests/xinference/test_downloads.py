"""Files that are fetched: ahead, by a launch, and removed again."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.server import Server, wait_for
from tests.xinference.test_registrations import DEMO, custom

NAME = "from-afar"
VERSION = f"{NAME}--0_5B--ggufv2--none"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def family(client: Any) -> Iterator[str]:
    """A registration whose file is on a web server."""
    handler = functools.partial(Quiet, directory=str(DEMO.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        spec = custom(NAME)["model_specs"][0] | {
            "model_uri": f"http://127.0.0.1:{files.server_address[1]}/{DEMO.name}"
        }
        client.register_model("LLM", json.dumps(custom(NAME, model_specs=[spec])), persist=True)
        yield NAME
        client.unregister_model("LLM", NAME)
        files.shutdown()


def test_life_of_a_file(client: Any, server: Server, family: str) -> None:
    begun = server.post("/v1/cache/models", {"model_name": family, "model_engine": "llama.cpp"})
    assert begun.status == 200, begun.body
    download = begun.json()["cache_uid"]
    route = f"/v1/cache/models/{download}/progress"
    wait_for(lambda: server.get(route).json()["stage"] == "completed", "the download", 30)
    assert server.get(route).json()["progress"] == 1.0
    (row,) = client.list_cached_models(model_name=family)
    assert row["model_version"] == VERSION
    assert row["size_bytes"] >= DEMO.stat().st_size
    assert row["actor_ip_address"] == "local"
    assert client.list_cached_models(model_name=family, worker_ip="local") == [row]
    assert client.list_deletable_models(VERSION)["paths"] == [row["path"]]
    (version,) = server.get(f"/v1/models/LLM/{family}/versions").json()
    assert version["model_file_location"] == {"local": row["path"]}

    uid = client.launch_model(family, model_engine="llama.cpp", n_gpu=None)
    with pytest.raises(RuntimeError, match="in use"):
        client.confirm_and_remove_model(VERSION)
    client.terminate_model(uid)
    wait_for(lambda: not client.list_cached_models(family)[0]["used_by"], "its end", 30)
    by_version = server.post("/v1/models/instance", {"model_version": VERSION, "model_uid": "v"})
    assert by_version.json() == {"model_uid": "v"}, by_version.body
    client.terminate_model("v")
    wait_for(lambda: not client.list_cached_models(family)[0]["used_by"], "its end", 30)
    assert client.confirm_and_remove_model(VERSION) is True
    assert client.list_cached_models(model_name=family) == []
    assert client.confirm_and_remove_model(VERSION) is False
    assert server.request("DELETE", f"/v1/downloads/{download}").status in (200, 404)


def test_downloads_that_nobody_knows(server: Server) -> None:
    for method, route in (
        ("GET", "/v1/cache/models/nothing/progress"),
        ("POST", "/v1/cache/models/nothing/cancel"),
        ("POST", "/v1/downloads/nothing/pause"),
        ("POST", "/v1/downloads/nothing/resume"),
        ("DELETE", "/v1/downloads/nothing"),
        ("POST", "/v1/models/instance"),
    ):
        body = {"model_version": "no--such--version"} if route.endswith("instance") else {}
        assert server.request(method, route, body).status == 404, route
    assert server.get("/v1/downloads").json()["list"] == []
    assert server.request("DELETE", "/v1/cache/models").status == 400
