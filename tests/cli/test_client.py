"""``launch``, ``list`` and ``terminate`` against a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ApiServer, Run


def picture(state: str, replica: str | None = None, **fields: object) -> dict[str, object]:
    replicas = [{"state": replica, "node": "local", "epoch": 1, "message": ""}] if replica else []
    return {
        "uid": "m", "state": state, "engine": "fake", "slots": 4, "progress": 0.0, "message": "",
        "reason": "", "replicas": replicas, **fields,
    }  # fmt: skip


def test_launch_waits_and_shows_states(xplatform: Run, api: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_text("")
    api.answers["POST", "/api/launches"] = [(201, picture("starting", "scheduled"))]
    api.answers["GET", "/api/launches/m"] = [
        (200, picture("starting", "loading", progress=0.4, message="reading weights")),
        (200, picture("starting", "loading", progress=0.4, message="reading weights")),
        (200, picture("ready", "ready", progress=1.0)),
    ]
    done = xplatform(
        "launch", "--endpoint", api.endpoint, "--api-key", "xp-k", "--uid", "m",
        "--model-path", str(tmp_path / "model.gguf"), "--engine", "fake", "--kind", "embedding",
        "--slots", "2", "--context-length", "100", "--option", "a=1", "--option", "b=x=y",
        "--option", 'c={"d": [true]}',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == ["scheduled", "loading 40% reading weights", "ready"]
    assert lines[3].startswith("m is ready after ")
    _, _, headers, body = api.requests[0]
    assert headers["Authorization"] == "Bearer xp-k"
    assert body == {
        "uid": "m", "model_path": str(tmp_path / "model.gguf"), "engine": "fake",
        "kind": "embedding", "slots": 2, "context_length": 100,
        "options": {"a": 1, "b": "x=y", "c": {"d": [True]}},
    }  # fmt: skip


def test_launch_that_fails(xplatform: Run, api: ApiServer) -> None:
    api.answers["POST", "/api/launches"] = [(201, picture("starting"))]
    api.answers["GET", "/api/launches/m"] = [
        (200, picture("failed", "failed", reason="no such file"))
    ]
    done = xplatform("launch", "--endpoint", api.endpoint, "--uid", "m")
    assert done.returncode == 1
    assert done.stderr == "xplatform: m is failed: no such file\n"


def test_launch_without_waiting(xplatform: Run, api: ApiServer) -> None:
    api.answers["POST", "/api/launches"] = [(201, picture("starting"))]
    done = xplatform("launch", "--endpoint", api.endpoint, "--uid", "m", "--no-wait")
    assert (done.returncode, done.stdout) == (0, "m is being launched.\n")
    assert len(api.requests) == 1
    done = xplatform("launch", "--endpoint", api.endpoint, "--uid", "m", "--no-wait", "--json")
    assert json.loads(done.stdout)["state"] == "starting"


def test_list(xplatform: Run, api: ApiServer) -> None:
    api.answers["GET", "/api/launches"] = [
        (200, [picture("ready", "ready"), {**picture("stopped"), "uid": "longer-name"}])
    ]
    done = xplatform("list", "--endpoint", api.endpoint)
    assert done.stdout.splitlines() == [
        "UID          STATE    ENGINE  SLOTS  REPLICA         NOTE",
        "m            ready    fake    4      local #1 ready",
        "longer-name  stopped  fake    4      -",
    ]
    assert len(json.loads(xplatform("list", "--endpoint", api.endpoint, "--json").stdout)) == 2
    api.answers["GET", "/api/launches"] = [(200, [])]
    assert xplatform("list", "--endpoint", api.endpoint).stdout == "No model is launched.\n"


def test_terminate(xplatform: Run, api: ApiServer) -> None:
    api.answers["DELETE", "/api/launches/a%2Fb"] = [(200, picture("stopped"))]
    done = xplatform("terminate", "--endpoint", api.endpoint, "--uid", "a/b")
    assert (done.returncode, done.stdout) == (0, "a/b is stopped; running requests may finish.\n")


@pytest.mark.parametrize(
    ("status", "body", "said", "code"),
    [
        (400, {"error": {"message": "`slots` is 0."}}, "`slots` is 0.", 2),
        (401, {"error": {"message": "The API key is unknown."}}, "The API key is unknown.", 4),
        (403, {"error": {"message": "Not you."}}, "Not you.", 4),
        (404, {"error": {"message": "There is none."}}, "There is none.", 3),
        (409, {"error": {"message": "It is taken."}}, "It is taken.", 5),
        (500, "<html>", "answered 500 Internal Server Error.", 1),
        (200, "<html>", "is not xplatform.", 1),
    ],
)
def test_errors_are_one_sentence(
    xplatform: Run, api: ApiServer, status: int, body: object, said: str, code: int
) -> None:
    api.answers["GET", "/api/launches"] = [(status, body)]
    done = xplatform("list", "--endpoint", api.endpoint)
    assert done.returncode == code
    assert done.stderr.startswith("xplatform: ")
    assert done.stderr.strip().endswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_no_server(xplatform: Run) -> None:
    done = xplatform("list", "--endpoint", "http://127.0.0.1:1")
    assert done.returncode == 6
    assert "No server answers at http://127.0.0.1:1 (Connection refused)" in done.stderr
    done = xplatform("list", "--endpoint", "nonsense")
    assert "nonsense is no address like http://host:9997." in done.stderr
    done = xplatform("launch", "--endpoint", "http://127.0.0.1:1", "--uid", "m", "--option", "x")
    assert "--option 'x' is not of the form NAME=VALUE." in done.stderr


def test_local_token_is_for_the_local_server_only(
    xplatform: Run, api: ApiServer, tmp_path: Path
) -> None:
    secrets = tmp_path / "home" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "local").write_text("local-token")
    api.answers["GET", "/api/launches"] = [(200, [])]

    def sent() -> str | None:
        return api.requests[-1][2].get("Authorization")

    xplatform("list", XPLATFORM_PORT=str(api.port))
    assert sent() == "Bearer local-token"
    xplatform("list", "--endpoint", api.endpoint)
    assert sent() is None
    xplatform("list", XPLATFORM_PORT=str(api.port), XPLATFORM_API_KEY="xp-mine")
    assert sent() == "Bearer xp-mine"
    # A proxy for the world is not asked for a server of this machine.
    done = xplatform("list", XPLATFORM_PORT=str(api.port), http_proxy="http://127.0.0.1:1")
    assert done.returncode == 0


def test_running_server_is_found_by_its_home(
    xplatform: Run, api: ApiServer, tmp_path: Path
) -> None:
    """It may have been started with other flags than the environment says."""
    run = tmp_path / "home" / "run"
    run.mkdir(parents=True)
    settings = {"home": str(tmp_path / "home"), "port": api.port}
    (run / "settings.json").write_text(json.dumps(settings))
    api.answers["GET", "/api/launches"] = [(200, [])]
    assert xplatform("list").stdout == "No model is launched.\n"


def test_nothing_is_made_where_no_home_is(xplatform: Run, tmp_path: Path) -> None:
    xplatform("list")
    assert not (tmp_path / "home").exists()
