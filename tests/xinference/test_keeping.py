"""Favourites, kept launches, recommendations and logs, without a server's processes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.test import Client

from apps.models import keepsakes
from apps.models.caller import Caller
from apps.models.models import Launch, Model, Node
from apps.models.xinference import logs as logs_face
from apps.models.xinference.ordering import read_launch
from tests.support.people import key_of
from xplatform.core.config import secret
from xplatform.core.errors import NodeSilent

pytestmark = pytest.mark.usefixtures("clean_database")

GIB = 1 << 30


class Person:
    """Somebody with a key of their own."""

    def __init__(self, token: str) -> None:
        self._headers = {"authorization": f"Bearer {token}"}

    def __call__(self, method: str, route: str, body: Any = None) -> Any:
        return Client().generic(
            method, f"/v1/{route}", _text(body), "application/json", headers=self._headers
        )


def _text(body: Any) -> str:
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Person:
    return _person("ann", monkeypatch)


@pytest.fixture
def bob(monkeypatch: pytest.MonkeyPatch) -> Person:
    return _person("bob", monkeypatch)


@pytest.fixture
def operator() -> Person:
    return Person(secret("local"))


def _person(name: str, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr("apps.accounts.hints.broadcast", lambda kind, **values: None)
    return Person(key_of(name))


def launched(uid: str, by: str) -> Launch:
    model = Model.objects.create(uid=uid, family="qwen3", engine="fake")
    return Launch.objects.create(
        model=model, requested_by=by, desired=Launch.Desired.STOPPED, max_replicas=1
    )


class TestFavorites:
    def test_each_has_a_list_of_their_own(self, ann: Person, bob: Person) -> None:
        assert ann("GET", "model_favorites").json() == []
        for name in ("qwen3", "bge-m3", "qwen3"):
            answer = ann("PUT", "model_favorites", {"model_name": name})
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert ann("GET", "model_favorites").json() == ["bge-m3", "qwen3"]
        assert bob("GET", "model_favorites").json() == []
        for _ in range(2):
            assert bob("DELETE", "model_favorites", {"model_name": "qwen3"}).status_code == 200
            assert ann("DELETE", "model_favorites", {"model_name": "qwen3"}).status_code == 200
        assert ann("GET", "model_favorites").json() == ["bge-m3"]

    @pytest.mark.parametrize(
        "body",
        [
            {}, [], "{", {"model_name": 7}, {"model_name": ""}, {"model_name": " a"},
            {"model_name": "a\0b"}, {"model_name": "a\nb"}, {"model_name": "x" * 513},
            {"model_name": "a", "more": 1},
        ],
    )  # fmt: skip
    def test_bad_input(self, ann: Person, body: Any) -> None:
        for method in ("PUT", "DELETE"):
            answer = ann(method, "model_favorites", body)
            assert answer.status_code == 400, answer.content
            assert answer.json()["detail"]
        assert ann("GET", "model_favorites").json() == []

    def test_nobody_without_a_key(self) -> None:
        for method in ("GET", "PUT", "DELETE"):
            assert Person("xp-wrong")(method, "model_favorites", {}).status_code == 401

    def test_a_list_has_an_end(self, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keepsakes, "MOST", 1)
        assert ann("PUT", "model_favorites", {"model_name": "a"}).status_code == 200
        assert ann("PUT", "model_favorites", {"model_name": "a"}).status_code == 200
        assert ann("PUT", "model_favorites", {"model_name": "b"}).status_code == 409


class TestHistory:
    def test_keep_change_and_remove(self, ann: Person, bob: Person) -> None:
        body = {
            "model_name": "qwen3",
            "data": {"model_engine": "vLLM", "envs": {"TOKEN": "hidden-thing"}},
            "ui_data": {"n_gpu": "GPU"},
        }
        answer = ann("POST", "launch_history", body)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        (entry,) = ann("GET", "launch_history").json()
        assert (entry["model_name"], entry["model_uid"]) == ("qwen3", "")
        assert (entry["is_owner"], entry["created_by"]) == (True, "ann")
        assert entry["data"] == {"model_engine": "vLLM", "envs": {"TOKEN": "******"}}
        # What is left out of the form stays.
        ann("POST", "launch_history", {"model_name": "qwen3", "data": {"replica": 2}})
        (entry,) = ann("GET", "launch_history?model_name=qwen3&scope=mine").json()
        assert (entry["data"], entry["ui_data"]) == ({"replica": 2}, {"n_gpu": "GPU"})
        assert ann("GET", "launch_history?model_name=other").json() == []
        assert bob("GET", "launch_history").json() == []
        assert bob("DELETE", "launch_history/qwen3").status_code == 404
        assert ann("DELETE", "launch_history/qwen3/other").status_code == 404
        assert ann("DELETE", "launch_history/qwen3").json() == {"status": "ok"}
        assert ann("DELETE", "launch_history/qwen3").status_code == 404
        assert ann("GET", "launch_history").json() == []

    @pytest.mark.parametrize(
        ("name", "uid", "route"),
        [
            ("Qwen/Qwen3", "", "Qwen%2FQwen3"),
            ("Qwen/Qwen3", "", "Qwen/Qwen3"),
            ("Qwen/Qwen3", "mine", "Qwen%2FQwen3/mine"),
        ],
    )
    def test_the_name_of_a_repository(self, ann: Person, name: str, uid: str, route: str) -> None:
        ann("POST", "launch_history", {"model_name": name, "model_uid": uid})
        assert len(ann("GET", "launch_history").json()) == 1
        assert ann("DELETE", f"launch_history/{route}").status_code == 200
        assert ann("GET", "launch_history").json() == []

    def test_what_was_launched_and_taken_off(self, ann: Person, bob: Person) -> None:
        launch = launched("mine", "ann")
        # As its owner said it; one launch is one entry.
        body = {"model_name": "qwen3", "model_uid": "mine", "data": {"replica": 3}}
        ann("POST", "launch_history", body)
        (entry,) = ann("GET", "launch_history").json()
        assert (entry["data"], entry["status"]) == ({"replica": 3}, "TERMINATED")
        assert bob("DELETE", "launch_history/qwen3/mine").status_code == 404
        assert ann("DELETE", "launch_history/qwen3/mine").status_code == 200
        assert ann("GET", "launch_history").json() == []
        assert ann("DELETE", "launch_history/qwen3/mine").status_code == 404
        # Others see what runs and ran, in the server's words.
        (entry,) = bob("GET", "launch_history").json()
        assert (entry["is_owner"], entry["data"]["replica"]) == (False, 1)
        assert bob("GET", "launch_history?scope=mine").json() == []
        # Launched again it is another launch.
        (hidden,) = keepsakes.kept("ann", keepsakes.Kind.HIDDEN)
        Model.objects.filter(pk=launch.model.pk).update(created=hidden.changed.replace(year=2100))
        assert len(ann("GET", "launch_history").json()) == 1
        # A mark of a launch that is forgotten goes with the next one.
        ann("DELETE", "launch_history/qwen3/mine")
        launch.model.delete()
        launched("next", "ann")
        ann("DELETE", "launch_history/qwen3/next")
        assert [one.uid for one in keepsakes.kept("ann", keepsakes.Kind.HIDDEN)] == ["next"]

    @pytest.mark.parametrize(
        "body",
        [
            {}, [], "{", {"model_name": ""}, {"model_name": 1}, {"model_name": "a", "data": []},
            {"model_name": "a", "model_uid": "x" * 101}, {"model_name": "a", "model_uid": 1},
            {"model_name": "a", "data": {"envs": "A=1"}}, {"model_name": "a", "ui_data": "x"},
            {"model_name": "a", "data": {"x": "\0"}},
            {"model_name": "a", "data": {"x": "y" * 65536}},
        ],
    )  # fmt: skip
    def test_bad_input(self, ann: Person, body: Any) -> None:
        answer = ann("POST", "launch_history", body)
        assert answer.status_code == 400, answer.content
        assert answer.json()["detail"]
        assert ann("GET", "launch_history").json() == []


class TestRecommend:
    @pytest.fixture(autouse=True)
    def machine(self) -> None:
        cpu = {"id": "cpu", "kind": "cpu", "memory_total": 32 * GIB}
        Node.objects.create(name="plain", address="10.0.0.4", devices={"devices": [cpu]})

    def test_it_can_be_launched(self, ann: Person) -> None:
        constraints = {"model_size_in_billions": "0_6", "context_length": 2048, "concurrency": 2}
        answer = ann(
            "POST", "models/recommend", {"model_name": "qwen3", "constraints": constraints}
        )
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["status"] == "recommended"
        assert {word["code"] for word in body["reasons"]} == {"selection_policy", "memory_estimate"}
        config = body["config"]
        assert config["model_engine"] == "llama.cpp"
        assert (config["model_format"], config["model_size_in_billions"]) == ("ggufv2", "0_6")
        asks = Caller("ann", "default", unsafe=False, shares=False, sees_files=False)
        order = read_launch({"model_name": "qwen3", **config}, asks).order
        assert (order.engine, order.size, order.context_length) == ("llama.cpp", "0.6", 2048)
        assert (order.quantization, order.slots) == (config["quantization"], 2)

    def test_other_types(self, ann: Person) -> None:
        body = {"model_name": "bge-m3", "model_type": "embedding"}
        answer = ann("POST", "models/recommend", body)
        assert answer.status_code == 200, answer.content
        assert answer.json()["config"]["model_engine"]

    def test_nothing_can(self, ann: Person) -> None:
        body = {"model_name": "qwen3", "constraints": {"model_size_in_billions": 5000}}
        answer = ann("POST", "models/recommend", body)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert (body["status"], body["config"]) == ("no_recommendation", None)
        assert body["reasons"][0]["code"] == "no_viable_candidates"

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, {}), (400, []), (400, "{"), (400, {"model_name": 1}),
            (404, {"model_name": "nobody-made-this"}), (404, {"model_name": ""}),
            (400, {"model_name": "qwen3", "more": 1}),
            (400, {"model_name": "qwen3", "constraints": {"more": 1}}),
            (400, {"model_name": "qwen3", "constraints": {"concurrency": 0}}),
            (400, {"model_name": "qwen3", "constraints": {"context_length": "x"}}),
            (400, {"model_name": "qwen3", "constraints": {"model_size_in_billions": "big"}}),
            (400, {"model_name": "qwen3", "constraints": {"worker_ip": "mars"}}),
            (400, {"model_name": "qwen3", "constraints": {"gpu_idx": 5}}),
            (400, {"model_name": "qwen3", "constraints": {"n_gpu": -1}}),
            (400, {"model_name": "qwen3", "constraints": {"vision_tokens": 5}}),
            (404, {"model_name": "qwen3", "model_type": "embedding"}),
        ],
    )  # fmt: skip
    def test_bad_input(self, ann: Person, status: int, body: Any) -> None:
        answer = ann("POST", "models/recommend", body)
        assert answer.status_code == status, answer.content
        assert answer.json()["detail"]


class TestLogs:
    @pytest.fixture(autouse=True)
    def cluster(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for number, name in enumerate(("one", "two", "silent")):
            Node.objects.create(name=name, address=f"10.0.0.{number + 4}")
        found = {
            "web_2": [
                "a line's rest",
                "2026-01-02 03:04:05.600 ERROR   apps.x: it broke",
                "Traceback: why",
                "2026-01-02 03:04:05.700 INFO    apps.x: fine: again",
            ],
            "replica-7-1_1": [
                '{"time": "2026-01-02T03:04:06.000Z", "level": "warning", "logger": "engine", '
                '"message": "slow"}',
                "{no json",
            ],
        }

        def ask(node: str, question: str, args: Any = None, timeout: float = 10.0) -> Any:
            if node == "silent":
                raise NodeSilent(node)
            there = {"web_2": found["web_2"]} if node == "one" else found
            if question == "logs.tail":
                return {"lines": there[args["folder"]]}
            return {
                "logs": [
                    {"folder": name, "process": name.partition("_")[0], "files": {"log": 9}}
                    for name in there
                ]
            }

        monkeypatch.setattr(logs_face, "ask_node", ask)

    def read(self, operator: Person, query: str) -> list[tuple[str, str]]:
        answer = operator("GET", f"cluster/logs?{query}")
        assert answer.status_code == 200, answer.content
        return [(hit["node"], hit["message"].partition("\n")[0]) for hit in answer.json()["hits"]]

    def test_newest_first(self, operator: Person) -> None:
        body = operator("GET", "cluster/logs").json()
        assert body["total"] == len(body["hits"]) == 5
        assert body["hits"][0] == {
            "@timestamp": "2026-01-02T03:04:06.000", "level": "WARNING", "module": "engine",
            "message": "slow\n{no json", "node": "two", "log_type": "replica",
            "folder": "replica-7-1_1",
        }  # fmt: skip
        assert body["hits"][-1]["message"] == "it broke\nTraceback: why"

    def test_some_of_them(self, operator: Person) -> None:
        assert self.read(operator, "node=one") == [("one", "fine: again"), ("one", "it broke")]
        assert self.read(operator, "log_type=replica") == [("two", "slow")]
        assert self.read(operator, "level=error,warning&node=two") == [
            ("two", "slow"),
            ("two", "it broke"),
        ]
        assert self.read(operator, "module=engine") == [("two", "slow")]
        assert len(self.read(operator, "q=BROKE")) == 2
        assert self.read(operator, "size=1&page_from=1&node=one") == [("one", "it broke")]
        assert self.read(operator, "node=silent") == []

    @pytest.mark.parametrize(
        "query", ["size=0", "size=501", "size=x", "page_from=-1", "level=loud", "node=mars"]
    )
    def test_bad_input(self, operator: Person, query: str) -> None:
        answer = operator("GET", f"cluster/logs?{query}")
        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["param"] == query.partition("=")[0]

    def test_for_administrators(self, ann: Person) -> None:
        assert ann("GET", "cluster/logs").status_code == 403
