"""A registration that names a path is checked by the nodes."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from apps.models import api
from apps.models.catalogue.convert import family_from
from apps.models.models import Node
from apps.models.node.answers import paths as answers
from apps.models.nodes import paths
from tests.models.world import World
from xplatform.core.errors import InvalidValue, NodeSilent

#: paths are for those only who may open files of the machine
register = functools.partial(api.register, unsafe=True)
edit = functools.partial(api.edit, unsafe=True)


@pytest.fixture
def disks(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path | None]:
    """Each node's disk is a folder; one without is silent."""
    folders: dict[str, Path | None] = {name: tmp_path / name for name in ("n1", "n2")}

    def ask_node(node: str, question: str, args: Any, timeout: float) -> Any:
        assert question == "path.check"
        if (folder := folders[node]) is None:
            raise NodeSilent(node, "now")
        return answers.check(None, f"{folder}{args['path']}")  # type: ignore[arg-type]

    monkeypatch.setattr(paths, "ask_node", ask_node)
    for folder in folders.values():
        assert folder is not None
        (folder / "models").mkdir(parents=True)
    return folders


def family(id: str, hub: str = "path", **spec: Any) -> dict[str, Any]:
    repositories = [{"hub": "huggingface", "id": "acme/mine"}, {"hub": hub, "id": id}]
    one = {"format": "ggufv2", "size": "1", "repositories": repositories, **spec}
    return {"name": "mine", "kind": "llm", "specs": [one]}


def put(folder: Path | None, name: str) -> None:
    assert folder is not None
    (folder / "models" / name).write_bytes(b"GGUF")


def test_one_node_has_it(disks: dict[str, Path | None]) -> None:
    put(disks["n2"], "my model.gguf")
    register(family("/models/my model.gguf"))
    edit(family("file:///models/my%20model.gguf", "uri"))
    assert api.registration("llm", "mine").version == 2


def test_no_node_has_it(disks: dict[str, Path | None]) -> None:
    with pytest.raises(InvalidValue) as refused:
        register(family("/models/m.gguf"))
    assert refused.value.param == "specs[0].repositories[1].id"
    said = "'/models/m.gguf' (n1: No such file or directory; n2: No such file or directory)"
    assert said in refused.value.message
    assert api.registrations() == []
    put(disks["n1"], "m.gguf")
    register(family("/models/m.gguf"))
    with pytest.raises(InvalidValue, match="no node has '/models/other.gguf'"):
        edit(family("file:///models/other.gguf", "uri"))
    assert api.registration("llm", "mine").version == 1


def test_each_quantization_is_looked_for(disks: dict[str, Path | None]) -> None:
    put(disks["n1"], "m.q4.gguf")
    both = family("/models/m.{quantization}.gguf", quantizations=["q4", "q8"])
    with pytest.raises(InvalidValue, match=r"no node has '/models/m\.q8\.gguf'"):
        register(both)
    put(disks["n2"], "m.q8.gguf")
    register(both)


def test_in_the_form_of_xinference(disks: dict[str, Path | None]) -> None:
    spec = {"model_format": "ggufv2", "model_size_in_billions": 1, "quantization": "none"}
    form = {
        "version": 2, "model_name": "mine", "model_lang": ["en"], "model_ability": ["chat"],
        "model_family": "other", "model_specs": [{**spec, "model_uri": "/models/m.gguf"}],
    }  # fmt: skip
    with pytest.raises(InvalidValue, match=r"no node has '/models/m\.gguf'"):
        register(family_from("llm", form))
    put(disks["n1"], "m.gguf")
    register(family_from("llm", form))


@pytest.mark.parametrize("away", ["silent", "down"])
def test_without_an_answer_it_is_believed(disks: dict[str, Path | None], away: str) -> None:
    disks["n1"] = None
    # What the one says that answers counts.
    with pytest.raises(InvalidValue, match="n2: No such file"):
        register(family("/models/m.gguf"))
    if away == "silent":
        disks["n2"] = None
    else:
        Node.objects.update(state=Node.State.SILENT)
    register(family("/models/m.gguf"))


def test_only_paths_are_looked_for(disks: dict[str, Path | None]) -> None:
    disks.clear()  # a question would fail
    register(family("https://files.local/m.gguf", "uri"))
    edit(family("acme/other", "modelscope"))
