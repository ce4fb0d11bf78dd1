"""Each route that changes something leaves exactly one entry of it. A new route is put into one
of the two tables here, or this fails."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client

from apps.accounts.actions import projects
from apps.accounts.actions.stored_secrets import set_secret
from apps.accounts.api import user_actor
from apps.accounts.matrix.routes import ROUTES, WEBSOCKET
from apps.audit.models import Entry
from apps.metering.models import Price
from apps.models.models import Launch, Node, Replica
from apps.models.nodes import ask
from apps.models.nodes.tokens import create_join_token
from tests.accounts.matrix.test_routes import BODIES
from tests.accounts.matrix.world import FAMILY, OURS, SUPERUSER, World, make_world
from tests.models.conftest import sender
from tests.support.people import person
from xplatform.core.errors import Conflict

__all__ = ["sender"]

#: secrets that the requests here bring along, or look as if
_SECRET = "s3cr3t-0123456789-abcdefghijklmnop"

_SPECS: Final = [{**FAMILY["specs"][0], "file": "a.gguf"}]

#: (method, pattern) → (parameters of the path, body or None: the matrix' own, the action recorded)
CHANGES: Final[dict[tuple[str, str], tuple[dict[str, str], Any, str]]] = {
    ("POST", "/api/launches"): (
        {},
        {"uid": "new", "engine": "fake", "model_path": "/dev/null",
         "environment": {"HF_TOKEN": _SECRET, "ANY": _SECRET}, "options": {"api_key": _SECRET}},
        "launch.start",
    ),
    ("DELETE", "/api/launches/{uid}"): ({}, None, "launch.terminate"),
    ("PUT", "/api/launches/{uid}/adapters"): ({}, None, "launch.adapters"),
    ("POST", "/api/launches/{uid}/cancel"): ({}, None, "launch.cancel"),
    ("PUT", "/api/launches/{uid}/keeping"): ({}, {"pinned": True}, "launch.keep"),
    ("POST", "/api/launches/{uid}/relaunch"): ({}, None, "launch.relaunch"),
    ("PUT", "/api/launches/{uid}/replicas"): ({}, None, "launch.scale"),
    ("POST", "/api/launches/{uid}/replicas"): ({}, None, "launch.scale"),
    ("PUT", "/api/launches/{uid}/sharing"): ({}, None, "launch.share"),
    ("DELETE", "/api/launches/{uid}/replicas/{replica}"): ({}, None, "launch.scale"),
    ("POST", "/api/registrations"): (
        {},
        {"family": {**FAMILY, "name": "new", "abilities": ["chat"], "specs": _SPECS}},
        "registration.create",
    ),
    ("DELETE", "/api/registrations/{kind}/{name}"): ({}, None, "registration.remove"),
    ("DELETE", "/api/nodes/{name}"): ({"name": "old"}, None, "node.remove"),
    ("PATCH", "/api/nodes/{name}"): ({"name": "n1"}, {"labels": {"zone": "a"}}, "node.labels"),
    ("POST", "/api/nodes/{name}/cordon"): ({"name": "n1"}, None, "node.cordon"),
    ("POST", "/api/nodes/{name}/drain"): ({"name": "n1"}, None, "node.drain"),
    ("POST", "/api/nodes/{name}/uncordon"): ({"name": "old"}, None, "node.uncordon"),
    ("POST", "/api/join-tokens"): ({}, {"name": "rack 3"}, "join_token.create"),
    ("DELETE", "/api/join-tokens/{token_id}"): ({}, None, "join_token.revoke"),
    ("POST", "/api/keys"): ({}, {"name": "ci"}, "key.create"),
    ("DELETE", "/api/keys/{key_id}"): ({}, None, "key.revoke"),
    ("POST", "/api/keys/{key_id}/rotate"): ({}, None, "key.rotate"),
    ("DELETE", "/api/me/logins"): ({}, None, "login.end_all"),
    ("POST", "/api/lockouts/unlock"): ({}, None, "login.unlock"),
    ("POST", "/api/users"): (
        {}, {"username": "new", "password": _SECRET}, "user.create",
    ),
    ("PATCH", "/api/users/{username}"): (
        {"username": "dev"}, {"email": "dev@example.com"}, "user.change",
    ),
    ("PUT", "/api/users/{username}/password"): (
        {"username": "dev"}, {"password": _SECRET}, "user.set_password",
    ),
    ("DELETE", "/api/users/{username}"): ({"username": "dev"}, None, "user.delete"),
    ("POST", "/api/groups"): ({}, {"name": "new"}, "group.create"),
    ("DELETE", "/api/groups/{name}"): ({"name": "team"}, None, "group.delete"),
    ("PUT", "/api/groups/{name}/members/{username}"): (
        {"name": "team", "username": "dev"}, None, "group.add",
    ),
    ("POST", "/api/projects"): ({}, {"slug": "new"}, "project.create"),
    ("PATCH", "/api/projects/{slug}"): ({}, None, "project.change"),
    ("POST", "/api/projects/{slug}/archive"): ({}, None, "project.archive"),
    ("POST", "/api/projects/{slug}/restore"): ({"slug": "shut"}, None, "project.restore"),
    ("PUT", "/api/projects/{slug}/members/{kind}/{name}"): (
        {"kind": "users", "name": "dev"}, {"role": "viewer"}, "member.put",
    ),
    ("DELETE", "/api/projects/{slug}/members/{kind}/{name}"): (
        {"kind": "users", "name": "viewer-of-ours"}, None, "member.remove",
    ),
    ("POST", "/api/limits"): (
        {},
        {"kind": "requests_per_minute", "amount": 7, "scope": "user", "subject": "dev"},
        "limits.create",
    ),
    ("PATCH", "/api/limits/{limit_id}"): ({}, {"amount": 5}, "limits.change"),
    ("DELETE", "/api/limits/{limit_id}"): ({}, None, "limits.delete"),
    ("POST", "/api/prices"): ({}, {"model": "new", "input": "1"}, "prices.create"),
    ("PATCH", "/api/prices/{price_id}"): ({}, {"input": "2"}, "prices.change"),
    ("DELETE", "/api/prices/{price_id}"): ({}, None, "prices.delete"),
    ("PUT", "/api/settings/secrets/{name}"): (
        {"name": "hf_token"}, {"value": _SECRET}, "secrets.set",
    ),
    ("DELETE", "/api/settings/secrets/{name}"): (
        {"name": "modelscope_token"}, None, "secrets.remove",
    ),
    ("POST", "/api/webhooks"): (
        {}, {"name": "new", "url": "https://example.com/hook"}, "webhook.create",
    ),
    ("PATCH", "/api/webhooks/{webhook_id}"): ({}, {"active": False}, "webhook.change"),
    ("DELETE", "/api/webhooks/{webhook_id}"): ({}, None, "webhook.delete"),
    ("POST", "/api/webhooks/{webhook_id}/secret"): ({}, None, "webhook.secret"),
    ("POST", "/api/webhooks/{webhook_id}/test"): ({}, None, "webhook.test"),
    # --- as Xinference asks: by the same actions
    ("DELETE", "/v1/models/{model_uid}"): ({}, None, "launch.terminate"),
    ("POST", "/v1/models/{model_uid}/cancel"): ({}, None, "launch.cancel"),
    ("POST", "/v1/launch_history"): ({}, {"model_name": "new"}, "keepsake.launch"),
    ("PUT", "/v1/model_favorites"): ({}, {"model_name": "new"}, "keepsake.favorite"),
    ("DELETE", "/v1/model_registrations/{model_type}/{model_name}"): (
        {"model_type": "LLM"}, None, "registration.remove",
    ),
}  # fmt: skip

#: what a change brings with it, each of them an entry of its own
ALSO: Final = {("POST", "/api/projects/{slug}/archive"): "launch.terminate"}

#: what changes nothing here, or is recorded by what another test walks through
ELSEWHERE: Final[dict[str, str]] = {
    "/token": "logins: tests/accounts/logins", "/v1/auth/": "logins", "/api/session": "logins",
    "/api/me/": "logins", "/oauth/": "oauth: tests/accounts/oauth", "/device": "oauth",
    "/api/applications": "oauth", "/api/authorizations": "oauth",
    "/api/oidc": "single sign-on", "/api/sso": "single sign-on",
    "/api/identity": "single sign-on", "/sso": "single sign-on",
    "/api/users/{username}/second-factor": "logins",
    "/api/projects/{slug}/applications": "oauth",
    "/api/files/": "asks a node: test_questions_that_change",
    "/api/engines/": "asks a node",
    "/api/downloads": "asks a node", "/v1/cache/": "asks a node", "/v1/downloads": "asks a node",
    "/v1/virtualenvs": "asks a node", "/v1/workers/": "asks a node",
    "/api/nodes/join": "by a join token: tests/models/nodes",
    "/api/launches/{uid}/replicas/{replica}/move": "needs two nodes: tests/models/test_replicas.py",
    "/v1/models": "launches and replicas, by the actions above",
    "/v1/autostart/models": "prewarm, by its action", "/v1/model_registrations": "by the actions",
    "/v1/launch_history/": "keepsakes, as above", "/v1/model_favorites": "keepsakes, as above",
    "/v1/api/relaunch": "asks the warden", "/v1/supervisor/relaunch": "asks the warden",
    "/v1/clusters": "asks the warden", "/api/groups/{name}/members": "as it is put",
    "/v1/admin": "Xinference's names of the actions above", "/v1/chat": "inference",
    "/v1/completions": "inference", "/v1/embeddings": "inference", "/v1/tokenize": "inference",
    "/v1/detokenize": "inference", "/api/estimate": "a question",
    "/api/launches/{uid}/requests": "asks the web processes: tests/operating/test_in_flight.py",
}  # fmt: skip


def changing() -> list[tuple[str, str]]:
    return [
        (method, route.pattern)
        for route in ROUTES
        for method in sorted(route.methods)
        if method not in ("GET", "HEAD", WEBSOCKET)
    ]


def test_every_route_is_in_a_table() -> None:
    known = set(changing())
    assert set(CHANGES) <= known, "in the table, and no route"
    missing = [
        one for one in known if one not in CHANGES and not one[1].startswith(tuple(ELSEWHERE))
    ]
    assert not missing


@pytest.fixture
def everything(db: None) -> World:
    world = make_world()
    person("dev", "")
    set_secret("modelscope_token", "there already", user_actor(person("boss", "").pk))
    Group.objects.create(name="team")
    Node.objects.create(name="n1")
    Node.objects.create(name="old", state="silent", cordoned=True)
    projects.create_project("shut")
    projects.archive_project("shut")
    launch = Launch.objects.get(model__uid=f"{OURS}-model")
    Launch.objects.filter(pk=launch.pk).update(
        wanted=2, min_replicas=2, max_replicas=2, last_epoch=1
    )
    Replica.objects.create(launch=launch, node="n1", epoch=1, state="ready")
    return world


def test_one_entry_each(client: Client, everything: World) -> None:
    world = everything
    price = Price.objects.create(model="priced", input=1)
    replica = Replica.objects.get()
    _, token = create_join_token("t")
    more = {"price_id": str(price.pk), "replica": str(replica.pk), "token_id": token.id}
    wrong = {}
    for (method, pattern), (parameters, body, action) in CHANGES.items():
        thing = next(r.thing for r in ROUTES if r.pattern == pattern and method in r.methods)
        path = pattern
        for name, value in {**more, **parameters}.items():
            path = path.replace(f"{{{name}}}", value)
        path = world.path(path, OURS, thing[1] if thing else "registration")
        given = BODIES.get((method, pattern), {}) if body is None else body
        # A cancelled launch is not ready yet.
        with transaction.atomic():
            if pattern.endswith("/cancel"):
                Replica.objects.update(state="loading")
            last = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
            answer = client.generic(
                method, path, json.dumps(given), content_type="application/json",
                headers=world.headers(SUPERUSER),
            )  # fmt: skip
            made = list(Entry.objects.filter(id__gt=last))
            transaction.set_rollback(True)
        also = ALSO.get((method, pattern))
        found = [(entry.action, entry.outcome, entry.who) for entry in made if entry.action != also]
        if answer.status_code >= 300 or [one[:2] for one in found] != [(action, "done")]:
            wrong[method, pattern] = (answer.status_code, found, answer.content[:200])
        for entry in made:
            assert entry.via == f"{method} {path}" and entry.address == "127.0.0.1"
            kept = str([getattr(entry, field.name) for field in Entry._meta.concrete_fields])
            assert _SECRET not in kept, (method, pattern)
            for role in world.tokens.values():
                assert role not in kept
    assert not wrong


@pytest.mark.parametrize("question", sorted(ask._CHANGES))
def test_questions_that_change(
    db: None, monkeypatch: pytest.MonkeyPatch, sender: Any, question: str
) -> None:
    """What a node is asked to do is recorded when it has done it, and not when it refuses."""
    Node.objects.create(name="n1")
    answers = [{"error": {"code": "conflict", "message": "Not now."}}, {"answer": {}}]
    monkeypatch.setattr(ask, "_wait", lambda key, timeout: msgspec.msgpack.encode(answers.pop(0)))
    with pytest.raises(Conflict):
        ask.ask_node("n1", question, {"id": "x"})
    assert not Entry.objects.exists()
    ask.ask_node("n1", question, {"id": "x", "hidden": _SECRET})
    entry = Entry.objects.get()
    assert (entry.action, entry.thing_id, entry.outcome) == (question, "x", "done")
    assert json.loads(entry.after) == {"node": "n1"}
