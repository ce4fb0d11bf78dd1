"""Every route of Django's × everybody × one's own and another project, as the data says.

What only the gateway answers, WebSockets and commands are in ``test_server``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from apps.accounts.matrix.actions import SUPERUSER, rank
from apps.accounts.matrix.routes import ROUTES, WEBSOCKET, Route
from tests.accounts.matrix.test_entries import django_routes, methods_of
from tests.accounts.matrix.world import (
    EVERYBODY,
    FAMILY,
    NOBODY,
    OURS,
    THEIRS,
    UNKNOWN,
    World,
    make_world,
    may,
    undone,
)

_LAUNCH = {"uid": "new", "family": "anything", "engine": "fake"}
_XINFERENCE = {"model_name": "anything", "model_engine": "fake", "model_uid": "new"}
_THEIR_FAMILY = {
    "version": 2, "model_name": "new", "model_lang": ["en"], "model_ability": ["chat"],
    "model_family": "other", "model_specs": [
        {"model_format": "ggufv2", "model_size_in_billions": 1, "quantization": "none",
         "model_id": "a/b"}
    ],
}  # fmt: skip

#: where an empty object would be refused before anything happens; (method, pattern) → body
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/launches"): _LAUNCH,
    ("PUT", "/api/launches/{uid}/adapters"): {"adapters": []},
    ("PUT", "/api/launches/{uid}/keeping"): {"pinned": True},
    ("PUT", "/api/launches/{uid}/replicas"): {"min_replicas": 1, "max_replicas": 2},
    ("POST", "/api/launches/{uid}/replicas"): {"count": 1},
    ("PUT", "/api/launches/{uid}/sharing"): {"shared": True},
    ("POST", "/api/registrations"): {"family": {**FAMILY, "name": "new"}},
    ("POST", "/v1/models"): _XINFERENCE,
    ("POST", "/v1/models/{model_uid}/reload"): {"model_config": {"step_ms": 1}},
    ("POST", "/v1/model_registrations/{model_type}"): {"model": json.dumps(_THEIR_FAMILY)},
    ("POST", "/v1/autostart/models"): {"launch": _XINFERENCE},
    ("POST", "/v1/launch_history"): {"model_name": "new"},
    ("PATCH", "/api/projects/{slug}"): {"title": "new"},
    ("PUT", "/v1/model_favorites"): {"model_name": "new"},
    ("DELETE", "/v1/model_favorites"): {"model_name": "new"},
}
#: where an action's note says that some of it takes a higher role
NARROWER: dict[tuple[str, str], str] = {
    ("PATCH", "/api/projects/{slug}"): "owner",
    ("POST", "/api/projects/{slug}/archive"): "owner",
}
_OWN_LISTS = {"models_keepsake"}
#: these would wait for a model that never starts here
_WAITS = {"/v1/models", "/v1/models/instance", "/v1/models/{model_uid}/replicas"}

_HERE = {
    (method, pattern) for pattern, one in django_routes() for method in methods_of(one.callback)
}
CELLS = [
    pytest.param(route, method, id=f"{method} {route.pattern}")
    for route in ROUTES
    for method in sorted(route.methods)
    if (method, route.pattern) in _HERE and method not in ("HEAD", WEBSOCKET)
]


class Door:
    """Sends a request as somebody, and undoes what it did."""

    def __init__(self, client: Client, world: World, route: Route, method: str) -> None:
        self._client, self._world, self._route, self.method = client, world, route, method
        self._kind = route.thing[1] if route.thing else ""
        body = BODIES.get((method, route.pattern), {})
        self._body = "" if method == "GET" else json.dumps(body)
        self._query = "?wait_ready=false" if route.pattern in _WAITS else ""

    def __call__(self, role: str, whose: str = OURS, project: str = "") -> tuple[Any, list[str]]:
        path = self._world.path(self._route.pattern, whose, self._kind) + self._query
        with undone() as written:
            answer = self._client.generic(
                self.method,
                path,
                self._body,
                content_type="application/json",
                headers=self._world.headers(role, project),
            )
            self.content = _content(answer)
        return answer, written

    def names_a_thing(self) -> bool:
        """As a part of its path, whether the matrix looks it up or the face does."""
        ours, theirs = (
            self._world.path(self._route.pattern, who, self._kind) for who in (OURS, THEIRS)
        )
        return ours != theirs

    def made_unknown(self, whose: str) -> bytes:
        """The last answer's content."""
        return self._world.made_unknown(self.content, whose, self._kind)


def _content(answer: Any) -> bytes:
    if not answer.streaming:
        return bytes(answer.content)
    if not answer.is_async:
        return b"".join(answer)

    async def read() -> bytes:
        return b"".join([part async for part in answer])

    return async_to_sync(read)()


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world()


@pytest.mark.parametrize(("route", "method"), CELLS)
def test_cells(client: Client, world: World, route: Route, method: str) -> None:
    door = Door(client, world, route, method)
    if route.action == "public":
        for role in (NOBODY, "viewer"):
            answer, _ = door(role)
            # 401: it asks for a credential of another kind.
            assert answer.status_code != 403, (role, answer.content)
        return
    if route.thing is not None:
        assert route.thing[1] in world.things, f"world.py has no {route.thing[1]}"
    for role in EVERYBODY:
        _own(door, route, role)
        _other_things(door, route, role)
        _other_project(door, route, role)


def _own(door: Door, route: Route, role: str) -> None:
    answer, written = door(role)
    said = (role, answer.status_code, door.content)
    if role == NOBODY:
        assert answer.status_code == 401, said
        assert answer.headers["WWW-Authenticate"], said
    elif may(role, route.action):
        narrower = NARROWER.get((door.method, route.pattern), "")
        assert answer.status_code != 401, said
        assert (answer.status_code == 403) == (rank(role) < rank(narrower)), said
    else:
        assert answer.status_code == 403, said
        assert route.action in answer.json()["error"]["message"], said
    if answer.status_code in (401, 403):
        assert not written, said
    if role != SUPERUSER:
        assert b"theirs" not in door.content, said


def _other_things(door: Door, route: Route, role: str) -> None:
    """What another project has is as good as unknown, in the same words."""
    if not door.names_a_thing():
        return
    answer, written = door(role, THEIRS)
    said = (role, answer.status_code, door.content)
    if role == NOBODY:
        assert answer.status_code == 401, said
    elif role == SUPERUSER:
        assert answer.status_code not in (401, 403), said
        return
    elif route.thing is not None:
        assert answer.status_code == 404, said
    # One's own lists may be written to, under any name.
    assert not {name for name in written if route.thing or name not in _OWN_LISTS}, said
    foreign = door.made_unknown(THEIRS)
    unknown, _ = door(role, UNKNOWN)
    assert answer.status_code == unknown.status_code, said
    assert foreign == door.content, said


def _other_project(door: Door, route: Route, role: str) -> None:
    """A project that somebody is not in is as good as unknown, whatever they want there."""
    answer, written = door(role, THEIRS, THEIRS)
    said = (role, answer.status_code, door.content)
    if role == SUPERUSER:
        assert answer.status_code not in (401, 403), said
        return
    assert answer.status_code == (401 if role == NOBODY else 404), said
    assert not written, said
    if role != NOBODY:
        foreign = door.content.replace(THEIRS.encode(), UNKNOWN.encode())
        door(role, UNKNOWN, UNKNOWN)
        assert foreign == door.content, said


@pytest.mark.parametrize("pattern", ["/api/nothing", "/v1/nothing", "/api/launches/a/b/c/d"])
def test_no_such_route(client: Client, world: World, pattern: str) -> None:
    for role in EVERYBODY:
        assert client.get(pattern, headers=world.headers(role)).status_code == 404, role


def test_sessions_go_by_the_same_table(client: Client, world: World) -> None:
    """Somebody who is signed in without a key, in a project of theirs that they name."""
    from django.contrib.auth import get_user_model

    for role, path, status in (
        ("viewer", "/api/launches", 200),
        ("viewer", "/api/nodes", 403),
        ("developer", "/api/nodes", 200),
        ("admin", "/api/files", 403),
    ):
        client.force_login(get_user_model().objects.get(username=f"{role}-of-ours"))
        assert client.get(path).status_code == status, (role, path)
        assert client.get(path, headers={"X-Project": OURS}).status_code == status, (role, path)
        assert client.get(path, headers={"X-Project": THEIRS}).status_code == 404, (role, path)


def test_superusers_choose_a_project(client: Client, world: World) -> None:
    def names(project: str = "") -> set[str]:
        answer = client.get("/api/launches", headers=world.headers(SUPERUSER, project))
        return {launch["uid"] for launch in answer.json()}

    theirs = {"theirs-model", "theirs-family"}
    assert names() == theirs | {"ours-model", "ours-family"}
    assert names(THEIRS) == theirs
    made = client.post(
        "/api/launches",
        {**_LAUNCH, "uid": "elsewhere"},
        content_type="application/json",
        headers=world.headers(SUPERUSER, THEIRS),
    )
    assert made.json()["project"] == THEIRS, made.content


def test_scopes_take_away(client: Client, world: World) -> None:
    """A key never may more than its scopes."""
    from apps.accounts import api as accounts

    token, _ = accounts.create_key(
        "looks", owner_name="owner-of-ours", project=OURS, actions=["launches.read"]
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/launches", headers=headers).status_code == 200
    assert client.get("/api/events", headers=headers).status_code == 403
    assert client.delete("/api/launches/ours-model", headers=headers).status_code == 403
