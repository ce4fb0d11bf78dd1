"""An order names the nodes that have the files already."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models import api
from apps.models.control.peers import Peers
from apps.models.faces import files
from apps.models.models import Node, Replica
from tests.models.world import World, an_order
from xplatform.core.queues import TASK_START_REPLICA
from xplatform.files import Source, read_source

SOURCE = Source("huggingface", "acme/big", entry="model.gguf")


def has(node: str, name: str = "acme/big", peer: str = "", **entry: Any) -> None:
    cached = {"hub": "huggingface", "name": name, "size": 5, "partial": 0, **entry}
    files = {"cached": [cached], "downloads": [], "disk": {}}
    peer = peer or f"http://{node}:9998"
    Node.objects.filter(name=node).update(files={**files, "peer": peer})


def ordered(world: World) -> dict[str, Any]:
    """What the next node is told to start."""
    [message] = world.sender.take(TASK_START_REPLICA)
    order: dict[str, Any] = message.args[0]
    return order


def test_an_order_names_those_that_have_the_files(world: World) -> None:
    has("n1")
    has("n2")
    lora = Source("huggingface", "acme/lora")
    adapters = (api.Adapter(name="a", source=SOURCE), api.Adapter(name="b", source=lora))
    on = api.Placement(nodes=("n1",))
    api.launch(an_order(model_path="", source=SOURCE, adapters=adapters, placement=on))
    order = ordered(world)
    assert order["node"] == "n1"
    source, peers = read_source(order["source"])
    assert (source, peers) == (SOURCE, ["http://n2:9998"])  # not itself
    first, second = order["adapters"]
    assert first["source"]["peers"] == ["http://n2:9998"]
    assert "peers" not in second["source"]
    # What was ordered stays as it was.
    launch = Replica.objects.get().launch
    assert "peers" not in launch.model.source
    assert "peers" not in launch.model.adapters[0]["source"]
    # So does the order that is repeated.
    has("n2", "acme/other")
    world.pass_time(40)
    assert [dict(p.spec)["source"] for p in world.nodes["n1"].processes.values()] == [
        {"hub": "huggingface", "id": "acme/big", "entry": "model.gguf", "token": ""}
    ]


@pytest.mark.parametrize(
    ("node", "entry"),
    [
        ({"state": Node.State.SILENT}, {}),
        ({}, {"name": "acme/small"}),
        ({}, {"hub": "modelscope"}),
        ({}, {"partial": 3}),
        ({}, {"size": 0}),
        ({}, {"peer": "http://user@host:80"}),
        ({}, {"peer": "file:///etc"}),
    ],
)
def test_who_is_not_named(world: World, node: dict[str, Any], entry: dict[str, Any]) -> None:
    has("n2", **entry)
    Node.objects.filter(name="n2").update(**node)
    source = {"hub": "huggingface", "id": "acme/big"}
    assert Peers().told(source, "n1") == {**source, "token": ""}


def test_few_of_many(world: World, django_assert_num_queries: Any) -> None:
    for number in range(20):
        Node.objects.create(name=f"m{number}", state=Node.State.UP, heartbeat="2026-01-01T00:00Z")
        has(f"m{number}")
    peers = Peers()
    with django_assert_num_queries(2):  # all nodes, the hub's token
        found = [peers.told({"hub": "huggingface", "id": "acme/big"}, "m1") for _ in range(9)]
    named = [one["peers"] for one in found]
    assert all(len(set(urls)) == 4 and "http://m1:9998" not in urls for urls in named)
    assert len({tuple(urls) for urls in named}) > 1


def test_of_an_address_no_password_counts(world: World) -> None:
    has("n2", "https://files.local/m.gguf", hub="uri")
    source = {"hub": "uri", "id": "https://me:secret@files.local/m.gguf?sign=1"}
    assert Peers().told(source, "n1")["peers"] == ["http://n2:9998"]
    local = {"hub": "path", "id": "/models/m"}
    assert Peers().told(local, "n1") == local


def test_fetching_ahead_names_them_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    has("n2")
    asked: list[Any] = []

    def ask_node(node: str, question: str, args: Any, timeout: float) -> Any:
        asked.append((node, question, args["source"].get("peers")))
        return {"download": {"id": "x"}}

    monkeypatch.setattr(files, "ask_node", ask_node)
    files.fetch({"name": "acme/big", "node": "n1"}, "ann")
    assert asked == [("n1", "files.fetch", ["http://n2:9998"])]
