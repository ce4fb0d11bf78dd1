"""``/api/launches`` and ``/api/nodes`` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import api as accounts
from apps.accounts.models import User
from apps.models import api
from tests.models.world import World, an_order
from tests.support.people import key_of
from xplatform.core.config import secret


class Api:
    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        return self._client.get(path, headers=self._headers)

    def delete(self, path: str) -> Any:
        return self._client.delete(path, headers=self._headers)

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(path, body, content_type="application/json", headers=self._headers)


@pytest.fixture
def http(client: Client, world: World) -> Api:
    return Api(client, secret("local"))


GOOD = {"uid": "m", "model_path": "/models/m", "engine": "fake"}


def test_life_of_a_launch(http: Api, world: World) -> None:
    made = http.post("/api/launches", {**GOOD, "options": {"speed": 3}, "slots": 2})
    assert made.status_code == 201
    body = made.json()
    assert (body["uid"], body["state"], body["slots"]) == ("m", "starting", 2)
    assert body["requested_by"] == "local operator"
    assert [replica["state"] for replica in body["replicas"]] == ["scheduled"]
    world.settle(3)
    body = http.get("/api/launches/m").json()
    assert (body["state"], body["progress"]) == ("ready", 1.0)
    assert [event["after"] for event in body["events"]][-1] == "ready"
    assert [launch["uid"] for launch in http.get("/api/launches").json()] == ["m"]
    gone = http.delete("/api/launches/m")
    assert (gone.status_code, gone.json()["state"]) == (200, "stopped")
    assert http.get("/api/launches").json() == []
    assert http.delete("/api/launches/m").status_code == 200


def test_name_is_taken(http: Api) -> None:
    assert http.post("/api/launches", GOOD).status_code == 201
    again = http.post("/api/launches", GOOD)
    assert again.status_code == 409
    assert again.json()["error"]["param"] == "uid"


def test_built_in_model_starts_by_its_name(http: Api, world: World) -> None:
    api.set_built_in(True)
    made = http.post("/api/launches", {"uid": "demo"})
    assert (made.status_code, made.json()["state"]) == (201, "starting")
    taken = http.post("/api/launches", {**GOOD, "uid": "demo"})
    assert taken.status_code == 409


@pytest.mark.parametrize(
    ("change", "param", "says"),
    [
        ({"uid": None}, "uid", ""),
        ({"uid": ""}, "uid", ""),
        ({"uid": "a b"}, "uid", "letters"),
        ({"uid": "../x"}, "uid", "letters"),
        ({"uid": "x" * 101}, "uid", "letters"),
        ({"model_path": None}, "model_path", ""),
        ({"model_path": ""}, "model_path", ""),
        ({"model_path": 3.5, "uid": []}, "uid", ""),
        ({"engine": "lama.cpp"}, "engine", "'llama.cpp'"),
        ({"engine": "\u0000"}, "engine", ""),
        ({"kind": "poem"}, "kind", "llm, embedding"),
        ({"slots": 0}, "slots", "from 1"),
        ({"slots": "many"}, "slots", "integer"),
        ({"slots": 10**9}, "slots", "from 1"),
        ({"context_length": -5}, "context_length", "from 1"),
        ({"options": [1]}, "options", ""),
        ({"modelpath": "/m"}, "modelpath", "no such field"),
    ],
)
def test_bad_values(http: Api, change: dict[str, Any], param: str, says: str) -> None:
    answer = http.post("/api/launches", {**GOOD, **change})
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["param"] == param
    assert says in error["message"]
    assert answer.json()["detail"] == error["message"]
    assert api.launches() == []


def test_missing_fields(http: Api) -> None:
    for field in GOOD:
        body = {key: value for key, value in GOOD.items() if key != field}
        error = http.post("/api/launches", body).json()["error"]
        assert (error["param"], error["code"]) == (field, "missing_required_parameter")


def test_a_body_that_is_no_object(http: Api) -> None:
    assert http.post("/api/launches", [1, 2]).status_code == 400


def test_unknown_launch(http: Api) -> None:
    for answer in (http.get("/api/launches/none"), http.delete("/api/launches/none")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_all_that_may_be_said_of_a_launch(http: Api, world: World) -> None:
    said = {
        "min_replicas": 2,
        "max_replicas": 3,
        "idle_seconds": 60.0,
        "pinned": True,
        "prewarm": True,
        "placement": {"nodes": ["n1"], "labels": {}, "count": None},
        "environment": {"A": "b"},
        "packages": ["x==1"],
        "adapters": [{"name": "poet", "path": "/a"}],
        "launch_anyway": True,
        "kind": "embedding",
        "size": "0.5",
        "quantization": "Q4_K_M",
        "format": "ggufv2",
    }
    body = http.post("/api/launches", {**GOOD, **said}).json()
    assert body["wanted"] == 2
    assert body["placement"] == {"nodes": ["n1"], "count": None}
    for name, value in said.items():
        if name not in ("placement", "environment", "adapters"):
            assert body[name] == value, name
    assert body["adapters"] == [{"name": "poet", "path": "/a"}]
    # Variables may hold secrets: they are taken, and not told.
    assert "environment" not in body
    assert {replica["node"] for replica in body["replicas"]} == {"n1"}


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"min_replicas": 3, "max_replicas": 2}, 400, "min_replicas"),
        ({"max_replicas": 0}, 400, "max_replicas"),
        ({"idle_seconds": 0}, 400, "idle_seconds"),
        ({"placement": {"count": 0}}, 400, "placement.count"),
        ({"placement": {"count": "many"}}, 400, "placement.count"),
        ({"placement": {"count": 2, "devices": ["cuda:0"]}}, 400, "placement.count"),
        ({"placement": {"count": None, "devices": ["cuda:0"]}}, 400, "placement.devices"),
        ({"placement": {"nodes": ["n9"]}}, 409, "placement"),
        ({"environment": {"1A": "b"}}, 400, "environment"),
        ({"packages": ["--index-url=x"]}, 400, "packages"),
        ({"adapters": [{"name": "a b", "path": "/a"}]}, 400, "adapters"),
        ({"adapters": [{"path": "/a"}]}, 400, "adapters[0]"),
        ({"source": {"hub": "floppy", "id": "x"}}, 400, "source.hub"),
        ({"trust_remote_code": True}, 403, "trust_remote_code"),
    ],
)
def test_bad_values_of_the_newer_fields(
    http: Api, change: dict[str, Any], status: int, param: str
) -> None:
    answer = http.post("/api/launches", {**GOOD, **change})
    assert answer.status_code == status, answer.content
    assert answer.json()["error"]["param"] == param
    assert api.launches() == []


def test_nodes(http: Api) -> None:
    nodes = http.get("/api/nodes").json()
    assert [(node["name"], node["state"]) for node in nodes] == [("n1", "up"), ("n2", "up")]


def test_only_administrators_launch(client: Client, world: World) -> None:
    accounts.ensure_admin("correct horse battery")
    token = key_of("dev", "viewer")
    dev = Api(client, token)
    assert dev.post("/api/launches", GOOD).status_code == 403
    assert dev.delete("/api/launches/m").status_code == 403
    assert dev.get("/api/launches").status_code == 200
    assert Api(client, "xp-no").get("/api/nodes").status_code == 401


def test_the_document_has_all_of_it(client: Client, clean_database: None) -> None:
    document = client.get("/docs/openapi.json").json()
    for path in ("/api/launches", "/api/launches/{uid}", "/api/nodes", "/api/keys"):
        assert path in document["paths"]
    assert "/v1/chat/completions" in document["paths"]
    page = client.get("/docs").content.decode()
    assert "/static/" in page
    assert "//cdn" not in page


class TestAdmin:
    @pytest.fixture
    def admin(self, client: Client, world: World) -> Client:
        accounts.ensure_admin("correct horse battery")
        client.force_login(User.objects.get())
        api.launch(an_order())
        world.settle(3)
        return client

    @pytest.mark.parametrize(
        "name",
        [
            "model", "launch", "replica", "node", "event", "lease", "registration", "demand",
            "memorysample",
        ],
    )  # fmt: skip
    def test_lists_and_rows(self, admin: Client, name: str) -> None:
        page = admin.get(f"/admin/models/{name}/", {"q": "m"} if name != "lease" else {})
        assert page.status_code == 200
        from django.apps import apps

        for row in apps.get_model("models", name).objects.all()[:2]:
            page = admin.get(f"/admin/models/{name}/{row.pk}/change/")
            assert page.status_code == 200
            assert b'name="_save"' not in page.content
        assert admin.get(f"/admin/models/{name}/add/").status_code == 403

    def test_actions(self, admin: Client, world: World) -> None:
        from apps.models.models import Launch

        chosen = {"_selected_action": [str(Launch.objects.get().pk)]}
        admin.post("/admin/models/launch/", {"action": "relaunch", **chosen})
        world.settle(3)
        assert api.launch_info("m").replicas[0].epoch == 2
        admin.post("/admin/models/launch/", {"action": "terminate", **chosen})
        assert api.launch_info("m").state == "stopped"
        assert api.launch_info("m").events[-2].who == "admin"
