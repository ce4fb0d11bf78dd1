"""Two projects on a running server: people of each role in one of them, and things in both. What
belongs to the other project is written with a word that nobody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.support.server import API_KEY, Answer, Server, wait_for

OURS: Final = "ours"
THEIRS: Final = "theirs"
#: stands in what the other project's things say, never in how they are called
MARK: Final = "zebra"
#: what everybody may know to exist stands in no answer for the four but where they said it
THEIR_NAMES: Final = ("theirs-model", "theirs-family", "theirs-person", "theirs")

NOBODY: Final = "nobody"
ROLES: Final = ("viewer", "developer", "admin")
SUPERUSER: Final = "superuser"


@dataclass(frozen=True)
class World:
    #: role → key; nobody has none
    keys: dict[str, str]
    #: parameter of a path → what there is to ask for, in turn
    names: dict[str, list[str]]
    #: of an application of ours
    client_id: str
    client_secret: str


def make_world(server: Server) -> World:
    """As a superuser does it, over HTTP."""
    made = _Maker(server)
    names: dict[str, list[str]] = {}
    keys: dict[str, str] = {SUPERUSER: API_KEY}

    def add(parameter: str, *values: object) -> None:
        names.setdefault(parameter, []).extend(str(value) for value in values)

    for slug, title in ((OURS, "Ours"), (THEIRS, f"{MARK} title")):
        made.post("/api/projects", {"slug": slug, "title": title})
    for role in ROLES:
        made.member(f"{role}-of-ours", role, OURS)
        keys[role] = made.key(f"{role}'s", f"{role}-of-ours", OURS)["key"]
    # Somebody whom everything may happen to.
    made.member("ours-person", "developer", OURS)
    made.member("theirs-person", "owner", THEIRS, first_name=f"{MARK} name")
    made.post("/api/groups", {"name": "a-group"})
    for slug, mark in ((OURS, "own"), (THEIRS, MARK)):
        key = made.key(f"{mark} key", f"{slug}-person", slug)
        uid, family = f"{slug}-model", f"{slug}-family"
        made.launch(uid, slug, {"once_file": f"/nowhere/{mark}"})
        made.register(family, slug, mark)
        limit = made.post(
            "/api/limits",
            {
                "kind": "requests_per_minute", "amount": "1000000", "scope": "user",
                "subject": "*", "project": slug, "note": f"{mark} note",
            },
        )  # fmt: skip
        webhook = made.post(
            "/api/webhooks", {"name": f"{mark} hook", "url": "https://example.com/hook"}, slug
        )
        add("webhook_id", webhook["id"])
        application = made.application(f"{mark} application", slug)
        person = made.get(f"/api/users/{slug}-person")
        add("user_id", person["id"])
        add("uid", uid)
        add("model_uid", uid)
        add("model", uid)
        add("model_name", family)
        add("slug", slug)
        add("key_id", key["id"])
        add("limit_id", limit["id"])
        add("client_id", application["client_id"])
        add("username", f"{slug}-person")
        add("replica", *made.replicas(uid))
        server.post(
            "/v1/chat/completions",
            {"model": uid, "messages": [{"role": "user", "content": mark}], "max_tokens": 2},
            key=key["key"],
        )
    client = made.application("a service", OURS)
    price = made.post("/api/prices", {"model": "some-model", "input": "1"})
    token = made.post("/api/join-tokens", {"name": "a machine"})
    (node,) = made.get("/api/nodes")
    add("price_id", price["id"])
    add("token_id", token["id"])
    add("node", node["name"])
    return World(keys, names, client["client_id"], client["client_secret"])


class _Maker:
    def __init__(self, server: Server) -> None:
        self._server = server

    def get(self, path: str) -> Any:
        return _fine(self._server.get(path))

    def post(self, path: str, body: dict[str, Any], project: str = "") -> Any:
        headers = {"X-Project": project} if project else {}
        return _fine(self._server.post(path, body, headers=headers))

    def member(self, name: str, role: str, project: str, **more: str) -> None:
        self.post("/api/users", {"username": name, "password": f"the password of {name}", **more})
        path = f"/api/projects/{project}/members/users/{name}"
        _fine(self._server.request("PUT", path, {"role": role}))

    def key(self, name: str, owner: str, project: str) -> Any:
        return self.post("/api/keys", {"name": name, "owner": owner, "project": project})

    def application(self, name: str, project: str) -> Any:
        order = {"name": name, "grant": "client_credentials", "project": project}
        return self.post("/api/applications", order)

    def launch(self, uid: str, project: str, options: dict[str, Any]) -> None:
        order = {"uid": uid, "engine": "fake", "model_path": "/dev/null", "options": options}
        self.post("/api/launches", order, project)
        wait_for(lambda: self._server.state(uid) == "ready", f"{uid} to be ready", 60)

    def register(self, name: str, project: str, mark: str) -> None:
        family = {
            "name": name,
            "kind": "llm",
            "abilities": ["chat"],
            "description": f"{mark} family",
            "specs": [
                {
                    "format": "ggufv2",
                    "size": "1",
                    "file": "model-{quantization}.gguf",
                    "quantizations": ["Q8_0"],
                    "repositories": [{"hub": "huggingface", "id": "a/b"}],
                }
            ],
        }
        self.post("/api/registrations", {"family": family}, project)

    def replicas(self, uid: str) -> list[str]:
        return [replica["id"] for replica in self.get(f"/api/launches/{uid}")["replicas"]]


def _fine(answer: Answer) -> Any:
    assert answer.status in (200, 201, 202), answer.body
    return answer.json()
