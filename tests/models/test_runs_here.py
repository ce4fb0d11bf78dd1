"""The catalogue as people see it: what of it runs on their machines, whose it is, where it lies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.models import api
from apps.models.catalogue.library import library
from apps.models.faces import files, sources
from apps.models.models import Node
from apps.models.runs_here import Room, rooms_here, verdicts, ways
from tests.models.world import World
from xplatform.core.config import secret
from xplatform.engines.rules import Machine

GIB = 1 << 30
SMALL = Room(Machine(), None, 8 * GIB)
LARGE = Room(Machine(devices=frozenset({"cpu", "cuda"}), capability=9.0), 80 * GIB, 200 * GIB)
MINE: dict[str, Any] = {
    "name": "mine", "kind": "llm", "abilities": ["chat"], "licence": "mit",
    "specs": [
        {
            "format": "ggufv2", "size": "1", "quantizations": ["Q4_0", "Q8_0"],
            "file": "m-{quantization}.gguf",
            "repositories": [{"hub": "huggingface", "id": "acme/mine"}],
        }
    ],
}  # fmt: skip


@pytest.fixture
def get(client: Any, world: World) -> Any:
    def ask(path: str, status: int = 200) -> Any:
        token = f"Bearer {secret('local')}"
        answer = client.get("/api/" + path, headers={"authorization": token})
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    return ask


def test_more_runs_on_larger_machines_and_what_does_not_says_why() -> None:
    family = library().find("qwen3", "llm")
    few, many = verdicts.of(family, (SMALL,)), verdicts.of(family, (SMALL, LARGE))
    assert few.fits and many.fits
    assert len(few.sizes) < len(many.sizes)
    assert few.sizes == sorted(few.sizes, key=float)
    assert verdicts.of(family, (SMALL,)) == few
    refused = [way for way in ways(family, (SMALL,)) if way.format == "fp8"]
    assert refused and not any(way.fits or way.engines for way in refused)
    assert "NVIDIA" in refused[0].reason
    told = {one.code: one for one in refused[0].reasons}
    assert told["needs_nvidia_for"].params == {"format": "fp8"}
    assert "transformers" in told["needs_nvidia_for"].engines
    large = next(way for way in ways(family, (SMALL,)) if way.size == "32" and way.engines)
    assert not large.fits and large.memory > 8 * GIB and not large.reason
    image = verdicts.of(library().families("image")[0], (LARGE,))
    assert not image.fits and "not image" in image.reason


def test_machines_that_are_alike_count_once(world: World) -> None:
    many = rooms_here()
    assert 0 < len(many) <= Node.objects.count()
    Node.objects.update(state=Node.State.SILENT)
    assert rooms_here() == ()


def test_own_families_stand_in_the_catalogue(get: Any) -> None:
    api.register({**MINE, "name": "qwen3"}, "ann", unsafe=True)
    api.register(MINE, "ann", True, unsafe=True)
    lines = {(line["kind"], line["name"]): line for line in get("catalogue")}
    assert len(lines) == len(library()) + 1
    mine = lines["llm", "mine"]
    assert (mine["licence"], mine["registered"]["owner"]) == ("mit", "ann")
    assert mine["registered"]["shared"]
    assert lines["llm", "qwen3"]["sizes"] == ["1"]  # goes before the platform's own
    assert lines["llm", "qwen2.5"]["registered"] is None
    assert get("catalogue?search=min&kind=llm")[0]["name"] == "mine"
    assert get("catalogue/llm/mine")["licence"] == "mit"
    assert get("catalogue/llm/mine/ways")["registered"]["version"] == 1
    get("catalogue/llm/nothing/ways", 400)


def test_which_files_are_where(get: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api.register(MINE, "ann", unsafe=True)
    [name, *_] = Node.objects.values_list("name", flat=True)
    entry = {
        "id": "1", "hub": "huggingface", "name": "acme/Mine", "commit": "c", "revisions": [],
        "path": "/m", "size": 5, "partial": 0, "linked": 0, "last_used": 0.0, "created": 0.0,
        "used_by": [],
    }  # fmt: skip
    Node.objects.filter(name=name).update(files={"cached": [entry]})
    asked = []

    def ask(node: str, question: str, args: Any = None, timeout: float = 0) -> Any:
        asked.append((node, question))
        return {"cached": [{**entry, "files": ["m-Q8_0.gguf"]}]}

    monkeypatch.setattr(files, "ask_node", ask)
    cached = [line["name"] for line in get("catalogue?kind=llm") if line["cached"]]
    assert cached == ["mine"]
    assert asked == []
    rows = get("catalogue/llm/mine/ways")["ways"]
    assert [(row["quantization"], row["nodes"]) for row in rows] == [("Q4_0", []), ("Q8_0", [name])]
    assert rows[0]["sources"][0]["entry"] == "m-Q4_0.gguf"
    assert asked == [(name, "files.list")]
    # And the page of files leads to it.
    [there] = get(f"files?node={name}")["nodes"]
    assert there["cached"][0]["family"] == {"kind": "llm", "name": "mine"}


def test_a_source_is_looked_at_by_a_node(get: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(node: str, question: str, args: Any = None, timeout: float = 0) -> Any:
        assert (question, args["quantization"]) == ("facts.look", "Q8_0")
        facts = {
            "name": "m", "kind": "llm", "format": "ggufv2", "quantization": "Q8_0",
            "family": "llama", "parameters": 1_000_000_000, "weight_bytes": GIB,
            "context_length": 4096,
        }  # fmt: skip
        models = {"Q4_0": ["m-Q4_0.gguf"], "Q8_0": ["m-Q8_0.gguf"], "F16": ["a.gguf", "b.gguf"]}
        return {
            "look": {
                "files": [{"path": "m-Q8_0.gguf", "size": GIB}], "file_count": 4, "total": 9 * GIB,
                "models": models, "quantization": "Q8_0", "facts": facts, "problem": "",
            }
        }  # fmt: skip

    monkeypatch.setattr(sources, "ask_node", ask)
    found = get("sources?from=https://huggingface.co/acme/m-GGUF&quantization=Q8_0")
    assert found["source"] == {"hub": "huggingface", "id": "acme/m-GGUF"}
    assert (found["known"], found["size"], found["total"]) == (None, "1", 9 * GIB)
    [llama, *_] = found["engines"]
    assert llama["engine"] == "llama.cpp" and llama["estimate"]["total"] > GIB
    [spec] = found["draft"]["specs"]
    assert (spec["file"], spec["parts"]) == ("m-{quantization}.gguf", {"F16": ["a.gguf", "b.gguf"]})
    # What is offered is taken as it is.
    api.register(found["draft"], "ann")
    get("sources?from=nothing", 400)
    get("sources", 400)
