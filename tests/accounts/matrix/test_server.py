"""What Django does not see, at a real server: the gateway's own routes, WebSockets and commands ×
everybody × one's own and another project."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from apps.accounts.matrix.actions import ACTIONS, SUPERUSER
from apps.accounts.matrix.commands import COMMANDS, OPEN
from apps.accounts.matrix.routes import ROUTES, WEBSOCKET, Route
from tests.accounts.matrix.test_entries import django_routes, methods_of
from tests.accounts.matrix.world import EVERYBODY, FAMILY, NOBODY, THEIRS, may
from tests.support.server import Server, serving, wait_for
from xplatform.cli.connection import NO_ACCESS, NOT_FOUND
from xplatform.cli.main import main

pytestmark = [pytest.mark.server, pytest.mark.slow]

_SEED = """
import json, django
django.setup()
from tests.accounts.matrix.world import make_world
print(json.dumps(dict(make_world().tokens)))
"""
OWN, FOREIGN, UNKNOWN = "ours-model", "theirs-model", "theirx-model"

_BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1},
    "/v1/completions": {"prompt": "hi", "max_tokens": 1},
    "/v1/embeddings": {"input": "hi"},
    "/v1/tokenize": {"prompt": "hi"},
    "/v1/detokenize": {"tokens": [1]},
}
_DJANGO = {
    (method, pattern) for pattern, one in django_routes() for method in methods_of(one.callback)
}
CELLS = [
    pytest.param(route, method, id=f"{method} {route.pattern}")
    for route in ROUTES
    for method in sorted(route.methods)
    if (method, route.pattern) not in _DJANGO and method not in ("HEAD", WEBSOCKET)
]


class World:
    def __init__(self, server: Server, tokens: dict[str, str]) -> None:
        self.server, self.tokens = server, tokens

    def send(self, role: str, method: str, route: Route, uid: str, project: str = "") -> Any:
        path = route.pattern
        for name in ("id", "uid", "model_uid"):
            path = path.replace(f"{{{name}}}", uid)
        path = path.replace("{rid}", "nothing")
        body = None if method == "GET" else {"model": uid, **_BODIES.get(route.pattern, {})}
        headers = {"X-Project": project} if project else {}
        key = self.tokens.get(role)
        return self.server.request(method, path, body, key=key, headers=headers)

    def look(self, role: str, query: str = "") -> tuple[int, str]:
        """(status, what was told until all was told) of the events' WebSocket."""
        token = self.tokens.get(role)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"ws://127.0.0.1:{self.server.port}/ws/events{query}"
        try:
            with connect(address, additional_headers=headers) as socket:
                said = ""
                while '"caught_up"' not in said:
                    said += str(socket.recv(timeout=30))
                return 101, said
        except InvalidStatus as refused:
            return refused.response.status_code, refused.response.body.decode()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with serving() as server:
        environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "xplatform.settings"}
        seeded = subprocess.run(
            [sys.executable, "-c", _SEED], env=environ, capture_output=True, text=True, timeout=60
        )
        assert seeded.returncode == 0, seeded.stderr
        world = World(server, json.loads(seeded.stdout.strip().splitlines()[-1]))
        for uid in (OWN, FOREIGN):
            wait_for(lambda uid=uid: server.state(uid) == "ready", f"{uid} to be ready", 30)  # type: ignore[misc]
        # What the web process knows by heart follows a hint.
        for role, token in world.tokens.items():
            wait_for(lambda t=token: server.get("/v1/models", key=t).status == 200, role)  # type: ignore[misc]
        yield world


@pytest.mark.parametrize(("route", "method"), CELLS)
def test_cells(world: World, route: Route, method: str) -> None:
    for role in EVERYBODY:
        own = world.send(role, method, route, OWN)
        said = (role, own.status, own.body)
        if route.action == "public":
            assert own.status not in (401, 403), said
            if role != SUPERUSER and route.pattern != "/metrics":
                assert b"theirs" not in own.body, said
            continue
        if role == NOBODY:
            assert own.status == 401, said
            assert own.headers["www-authenticate"], said
            continue
        if not may(role, route.action):
            assert own.status == 403, said
            assert route.action in own.json()["error"]["message"], said
        else:
            assert own.status not in (401, 403), said
        foreign = world.send(role, method, route, FOREIGN)
        elsewhere = world.send(role, method, route, FOREIGN, THEIRS)
        if role == SUPERUSER:
            assert foreign.status not in (401, 403), (role, foreign.body)
            assert elsewhere.status not in (401, 403), (role, elsewhere.body)
            continue
        assert b"theirs" not in own.body, said
        unknown = world.send(role, method, route, UNKNOWN)
        assert foreign.status == unknown.status, (role, foreign.body, unknown.body)
        if b"request_id" not in foreign.body:
            assert foreign.body.replace(b"theirs", b"theirx") == unknown.body, role
        assert elsewhere.status == 404, (role, elsewhere.status, elsewhere.body)


def test_the_list_of_models(world: World) -> None:
    for role in EVERYBODY:
        if role == NOBODY:
            continue
        answer = world.server.get("/v1/models", key=world.tokens[role])
        names = {model["id"] for model in answer.json()["data"]}
        # The demo is shared.
        assert {OWN, "demo"} <= names, role
        assert (FOREIGN in names) == (role == SUPERUSER), role


def test_websocket(world: World) -> None:
    (route,) = [route for route in ROUTES if WEBSOCKET in route.methods]
    for role in EVERYBODY:
        status, said = world.look(role, "?after=0")
        elsewhere, told = world.look(role, f"?after=0&project={THEIRS}")
        if role == NOBODY:
            assert (status, elsewhere) == (401, 401)
        elif role == SUPERUSER:
            assert (status, elsewhere) == (101, 101)
            assert OWN in said
            assert FOREIGN in said
            assert FOREIGN in told
            assert OWN not in told
        else:
            assert status == (101 if may(role, route.action) else 403), (role, said)
            assert OWN in said, role
            assert "theirs" not in said, role
            assert elsewhere == 404, (role, told)
    # A developer may see nodes, but their events are of no project.
    assert '"subject":"node ' in world.look(SUPERUSER, "?after=0")[1]
    assert '"subject":"node ' not in world.look("developer", "?after=0")[1]


# --- commands --------------------------------------------------------------------------------

#: the words behind each command; ``{uid}``, ``{family}`` and ``{file}`` are put in
_WORDS = {
    "launch": "-u cli -n anything -en fake --no-wait",
    "list": "",
    "terminate": "-u {uid}",
    "reload": "-u {uid}",
    "replicas": "-u {uid}",
    "replicas --add": "-u {uid} --add 1",
    "replicas --scale": "-u {uid} --scale 1",
    "replicas --remove": "-u {uid} --remove 1",
    "replicas --move": "-u {uid} --move 1",
    "chat": "-u {uid} hi --max-tokens 1",
    "generate": "-u {uid} hi --max-tokens 1",
    "registrations": "",
    "register": "-f {file}",
    "unregister": "-t llm -n {family}",
    "engine --model-name": "--model-name qwen3",
    "cal-model-mem": "-n qwen3",
    "vllm-models": "",
    "download": "",
    "download --model-name": "--model-name no-such-model --no-wait",
    "download --pause": "--pause nothing",
    "cached": "",
    "remove-cache": "--id nothing -y",
    "status": "",
    "nodes": "",
    "nodes show": "nothing",
    "nodes cordon": "nothing",
    "nodes uncordon": "nothing",
    "nodes drain": "nothing",
    "nodes remove": "nothing",
    "nodes labels": "nothing",
    "nodes token": "list",
    "events": "",
    "logs": "-u {uid}",
    "stop-cluster": "-y",
    "usage": "",
    "login": "",
    "logout": "",
    "completion": "bash",
    "version": "",
}
#: whoever may does it for all who come after
_ENDS_IT = "stop-cluster"


def _run(name: str, words: str) -> int:
    command, _, more = name.partition(" ")
    # An action comes first, a flag is among the words already.
    first = [more] if more and not more.startswith("-") else []
    try:
        return main([command, *first, *words.split()])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


@pytest.mark.parametrize("name", [n for n in COMMANDS if OPEN in COMMANDS[n] or n in _WORDS])
def test_commands(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("XPLATFORM_ENDPOINT", world.server.base)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for role in EVERYBODY:
        # Without one at all, login would ask for it.
        nothing = "xp-of-nobody" if name == "login" else ""
        monkeypatch.setenv("XPLATFORM_API_KEY", world.tokens.get(role, nothing))
        monkeypatch.setattr("sys.stdin", io.StringIO())
        allowed = all(action == OPEN or may(role, action) for action in COMMANDS[name])
        if name == _ENDS_IT and allowed:
            continue
        file = tmp_path / "family.json"
        file.write_text(json.dumps({**FAMILY, "name": f"cli-{role}"}))
        # Who may shall find nothing, and change nothing for those who come after.
        uid, family = ("nothing", "nothing") if allowed else (OWN, "ours-family")
        code = _run(name, _WORDS[name].format(uid=uid, family=family, file=file))
        assert (code == NO_ACCESS) == (not allowed), (role, code)


@pytest.mark.parametrize(
    "name", [n for n, words in _WORDS.items() if "{uid}" in words or "{family}" in words]
)
def test_commands_on_what_others_have(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("XPLATFORM_ENDPOINT", world.server.base)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for role in EVERYBODY:
        if role in (NOBODY, SUPERUSER):
            continue
        monkeypatch.setenv("XPLATFORM_API_KEY", world.tokens[role])
        monkeypatch.setattr("sys.stdin", io.StringIO())
        words = _WORDS[name].format(uid=FOREIGN, family="theirs-family", file="")
        code = _run(name, words)
        allowed = all(may(role, action) for action in COMMANDS[name])
        # What no thing is looked up for is refused before it is looked for.
        assert code == NOT_FOUND or (code == NO_ACCESS and not allowed), (role, code)
    assert world.server.state(FOREIGN) == "ready"


def test_every_command_that_asks_a_server_is_knocked_at() -> None:
    asks = {
        name
        for name, needed in COMMANDS.items()
        if OPEN in needed or all(action in ACTIONS for action in needed)
    }
    assert asks == set(_WORDS)
