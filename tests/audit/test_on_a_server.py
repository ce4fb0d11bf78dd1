"""The audit of a server that runs: who asked, what was refused, and a chain that is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ROOT, Server, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def manage(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env=server.environ, capture_output=True, text=True,
    )  # fmt: skip


def entries(server: Server, **query: str) -> list[dict[str, Any]]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    found: list[dict[str, Any]] = server.get(f"/api/audit?{words}").json()["entries"]
    return found


def test_what_the_gateway_refuses(server: Server) -> None:
    for _ in range(20):
        body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
        answer = server.post("/v1/chat/completions", body, key="xp-wrong-0123456789abcdef")
        assert answer.status == 401
    # The first is not held back for the minute in which the others are counted.
    refused = {"outcome": "refused", "action": "models.use"}
    first = wait_for(lambda: entries(server, **refused), "the refusal to be recorded")[-1]
    assert (first["who"], first["address"]) == ("nobody", "127.0.0.1")
    assert first["why"].startswith("invalid_api_key: ")
    assert first["via"] == "POST /v1/chat/completions"
    assert "wrong" not in json.dumps(first)
    assert len(entries(server, **refused)) <= 2


def test_a_change_knows_its_request(server: Server) -> None:
    answer = server.post("/api/keys", {"name": "for the audit"})
    assert answer.status == 201
    (entry,) = entries(server, action="key.create", text="for%20the%20audit")
    assert entry["request"] == answer.headers["x-request-id"]
    assert (entry["via"], entry["address"]) == ("POST /api/keys", "127.0.0.1")
    assert entry["after"]["name"] == "for the audit"
    assert answer.json()["key"] not in json.dumps(entry)


def test_the_control_plane_seals_and_verify_says_so(server: Server) -> None:
    server.post("/api/keys", {"name": "one more"})
    wait_for(lambda: all(entry["seq"] for entry in entries(server)), "all to have their places")
    done = manage(server, "audit", "verify", "--json")
    verdict = json.loads(done.stdout)
    assert done.returncode == 0 and verdict["whole"], verdict
    assert verdict["entries"] >= 3
    heads = Path(server.home) / "logs" / "audit.heads"
    assert json.loads(heads.read_text().splitlines()[-1])["seq"] >= 1
    # Kept elsewhere, and asked again later.
    known = f"{verdict['last']}:{verdict['head']}"
    assert manage(server, "audit", "verify", "--head", known).returncode == 0
    wrong = f"{verdict['last']}:{'0' * 64}"
    assert manage(server, "audit", "verify", "--head", wrong).returncode == 1


def test_an_operator(server: Server) -> None:
    done = manage(server, "create_key", "typed")
    assert done.returncode == 0, done.stderr
    found = json.loads(manage(server, "audit", "search", "--text", "typed", "--json").stdout)
    assert [entry["action"] for entry in found] == ["key.create"]
    assert found[0]["via"].startswith("manage.py create_key (")
    shown = manage(server, "audit", "search", "--action", "key.*", "--last", "1").stdout
    assert "key.create" in shown
    lines = manage(server, "audit", "export", "--action", "key.create").stdout.splitlines()
    assert json.loads(lines[-1])["after"]["name"] == "typed"
    assert manage(server, "audit", "export", "--format", "csv").stdout.startswith("id,at,who,")


@pytest.mark.parametrize(
    "words",
    [
        ["prune"], ["search", "--since", "x"], ["search", "--last", "0"], ["verify", "--head", "x"],
        ["nothing"], [], ["export", "--format", "xml"], ["prune", "--days", "1e300"],
    ],
)  # fmt: skip
def test_bad_words(server: Server, words: list[str]) -> None:
    done = manage(server, "audit", *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr.strip()
