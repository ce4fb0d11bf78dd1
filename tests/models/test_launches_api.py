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

    def put(self, path: str, body: Any) -> Any:
        return self._client.put(path, body, content_type="application/json", headers=self._headers)

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
        ({"options": {"step_ms": "slow"}}, "options.step_ms", "float"),
        ({"engine": "llama.cpp", "options": {"threads": 0}}, "options.threads", "at least 1"),
        ({"engine": "llama.cpp", "options": {"n-batch": True}}, "options.n-batch", "int"),
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


UNSAFE: list[tuple[dict[str, Any], str]] = [
    ({"model_path": "/models/m"}, "model_path"),
    ({"source": {"hub": "path", "id": "/models/m"}}, "source"),
    ({"source": {"hub": "uri", "id": "http://169.254.169.254/x"}}, "source"),
    ({"source": {"hub": "huggingface", "id": "a/b", "entry": "../../x"}}, "source"),
    ({"trust_remote_code": True}, "trust_remote_code"),
    ({"environment": {"LD_PRELOAD": "/tmp/x.so"}}, "environment"),
    ({"packages": ["evil"]}, "packages"),
    ({"adapters": [{"name": "a", "path": "/models/a"}]}, "adapters"),
    ({"options": {"once_file": "/tmp/x"}}, "options.once_file"),
    ({"options": {"lookup_cache_static": "/etc/passwd"}}, "options.lookup_cache_static"),
    ({"engine": "llama.cpp", "options": {"mmproj": "/etc/passwd"}}, "options.mmproj"),
    (
        {"engine": "transformers", "options": {"attn_implementation": "evil/kernel"}},
        "options.attn_implementation",
    ),
    ({"engine": "transformers", "options": {"trust_remote_code": True}}, "options."),
]
#: the fake engine opens no file, whatever its family is called
ORDINARY = {"uid": "m", "family": "anything", "engine": "fake", "options": {"step_ms": 1}}


@pytest.mark.parametrize(("change", "param"), UNSAFE)
def test_developers_run_no_code(
    client: Client, world: World, change: dict[str, Any], param: str
) -> None:
    dev = Api(client, key_of("dev"))
    answer = dev.post("/api/launches", {**ORDINARY, **change})
    assert answer.status_code == 403, answer.content
    error = answer.json()["error"]
    assert error["param"].startswith(param)
    assert "launches.unsafe" in error["message"]
    assert api.launches() == []


def test_what_others_gave_it_stays_until_the_model_changes(client: Client, world: World) -> None:
    """A developer may change ordinary options of what somebody launched who may all."""
    dev = Api(client, key_of("dev"))
    api.launch(an_order(environment={"A": "b"}, project="default"))
    world.settle(3)
    same = {"model_path": "/models/m", "engine": "fake", "environment": {"A": "b"}}
    path = "/api/launches/m/relaunch"
    assert dev.post(path, {**same, "slots": 7}).status_code == 202
    assert api.launch_info("m").slots == 7
    for change in (
        {"environment": {"A": "c"}},
        {"model_path": "/models/other"},
        {"model_path": "", "family": "another"},
        {"packages": ["evil"]},
    ):
        answer = dev.post(path, {**same, **change})
        assert answer.status_code in (400, 403), answer.content
    info = api.launch_info("m")
    assert (info.model_path, info.environment, info.packages) == ("/models/m", {"A": "b"}, ())


def test_a_name_of_another_project_is_taken_and_no_more(client: Client, world: World) -> None:
    ours, theirs = Api(client, key_of("ann", project="a")), Api(client, key_of("ben", project="b"))
    assert ours.post("/api/launches", ORDINARY).status_code == 201
    world.settle(3)
    taken = theirs.post("/api/launches", ORDINARY)
    assert taken.status_code == 409
    again = ours.post("/api/launches", ORDINARY)
    assert (again.status_code, again.json()) == (409, taken.json()), "the same words for both"
    assert theirs.get("/api/launches").json() == []
    unknown, foreign = theirs.get("/api/launches/nothing"), theirs.get("/api/launches/m")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.content.replace(b"'m'", b"") == unknown.content.replace(b"'nothing'", b"")
    # When it is gone, the name is free, and nothing of what it was can be seen.
    ours.delete("/api/launches/m")
    assert theirs.post("/api/launches", ORDINARY).status_code == 409, "it still drains"
    world.settle(4)
    made = theirs.post("/api/launches", ORDINARY)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["project"], body["requested_by"]) == ("b", "ben")
    assert len(body["replicas"]) == 1
    assert {event["who"] for event in body["events"]} == {"ben", "control"}
    assert ours.get("/api/launches/m").status_code == 404


def test_how_long_it_stays_is_changed_while_it_runs(http: Api, world: World) -> None:
    http.post("/api/launches", {**GOOD, "environment": {"HF_TOKEN": "hf_secret"}})
    world.settle(3)
    before = http.get("/api/launches/m").json()
    kept = http.put("/api/launches/m/keeping", {"pinned": True, "idle_seconds": 90})
    assert kept.status_code == 200, kept.content
    kept = http.put("/api/launches/m/keeping", {"idle_seconds": None}).json()
    assert (kept["pinned"], kept["idle_seconds"], kept["state"]) == (True, None, "ready")
    assert kept["replicas"] == before["replicas"]
    assert [event["why"] for event in kept["events"]][-1] == "idle_seconds None"
    refused = http.put("/api/launches/m/keeping", {"idle_seconds": 0})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "idle_seconds")
    # What its process was told is named, not shown.
    assert kept["variables"] == ["HF_TOKEN"]
    assert "hf_secret" not in http.get("/api/launches/m").content.decode()


def test_past_launches_are_listed_apart(client: Client, http: Api, world: World) -> None:
    ours, theirs = Api(client, key_of("ann", project="a")), Api(client, key_of("ben", project="b"))
    ours.post("/api/launches", ORDINARY)
    world.settle(3)
    assert ours.get("/api/launches?past=true").json() == []
    ours.delete("/api/launches/m")
    world.settle(4)
    assert ours.get("/api/launches").json() == []
    past = ours.get("/api/launches?past=true").json()
    assert [(one["uid"], one["state"]) for one in past] == [("m", "stopped")]
    assert theirs.get("/api/launches?past=true").json() == []


def test_what_may_be_set_at_a_launch(http: Api) -> None:
    found = {one["engine"]: one for one in http.get("/api/engine-options?kind=llm").json()}
    assert found["llama.cpp"]["aliases"]["threads"] == "n_threads"
    named = {one["name"]: one for one in found["transformers"]["options"]}
    assert named["dtype"]["choices"] == ["auto", "float32", "float16", "bfloat16"]
    assert (named["batching"]["default"], named["num_blocks"]["least"]) == ("auto", 1)
    assert "max_batch_texts" not in named
    assert named["trust_remote_code"]["risky"]
    (only,) = http.get("/api/engine-options?kind=embedding&engine=transformers").json()
    assert "max_batch_texts" in {one["name"] for one in only["options"]}
    assert http.get("/api/engine-options?engine=nothing").status_code == 400


def test_an_estimate_says_what_a_launch_would_take(http: Api, world: World) -> None:
    found = http.get("/api/estimate?name=qwen2.5-instruct&kind=llm&format=ggufv2").json()
    order = {"uid": "m", "family": "qwen2.5-instruct", "kind": "llm", "format": "ggufv2"}
    made = http.post("/api/launches", {**order, "launch_anyway": True})
    assert made.status_code == 201, made.content
    assert found["chosen"] == {name: made.json()[name] for name in found["chosen"]}
    assert set(found["chosen"]) == {"engine", "size", "format", "quantization"}
    none = http.get("/api/estimate?name=qwen2.5-instruct&kind=llm&format=ggufv2&engine=vllm")
    assert none.json()["chosen"] is None


def test_shared_launches_are_seen_and_not_changed(client: Client, world: World, http: Api) -> None:
    ours, theirs = Api(client, key_of("ann", project="a")), Api(client, key_of("ben", project="b"))
    ours.post("/api/launches", ORDINARY)
    world.settle(3)
    refused = ours.put("/api/launches/m/sharing", {"shared": True})
    assert (refused.status_code, theirs.get("/api/launches/m").status_code) == (403, 404)
    assert ours.post("/api/launches", {**ORDINARY, "uid": "n", "shared": True}).status_code == 403
    assert http.put("/api/launches/m/sharing", {"shared": True}).status_code == 200
    seen = theirs.get("/api/launches/m").json()
    assert (seen["project"], seen["shared"], seen["state"]) == ("a", True, "ready")
    # Who made it, how, and what happened is its own project's.
    assert (seen["requested_by"], seen["options"], seen["events"]) == ("", {}, [])
    for answer in (
        theirs.delete("/api/launches/m"),
        theirs.post("/api/launches/m/relaunch", {}),
        theirs.put("/api/launches/m/adapters", {"adapters": []}),
        theirs.put("/api/launches/m/replicas", {"min_replicas": 0, "max_replicas": 5}),
    ):
        assert answer.status_code == 403, answer.content
    assert api.launch_info("m").state == "ready"


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
