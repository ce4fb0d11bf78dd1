"""From what somebody said to a complete order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.models import api, resolve
from apps.models.facts import as_dict, read_facts
from apps.models.models import MemorySample, Node
from apps.models.orders import LaunchOrder, Placement
from xplatform.core.errors import (
    DoesNotFit,
    Forbidden,
    InvalidValue,
    MissingField,
    NodeSilent,
    PlatformError,
)
from xplatform.files import Source

pytestmark = pytest.mark.django_db
GB = 1 << 30
DEMO = Path("apps/models/demo/demo.gguf").absolute()


def node(name: str, *devices: dict[str, Any], engines: dict[str, str] | None = None) -> None:
    Node.objects.create(
        name=name, devices={"devices": list(devices)}, engines=engines or {}, labels={"in": name}
    )


def cpu(gigabytes: int) -> dict[str, Any]:
    return {"id": "cpu", "kind": "cpu", "memory_total": gigabytes * GB}


def cuda(gigabytes: int) -> dict[str, Any]:
    return {
        "id": "cuda:0", "kind": "cuda", "memory_total": gigabytes * GB, "capability": "9.0",
    }  # fmt: skip


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nodes answer from this machine's disk; the names of those that were asked."""
    asked: list[str] = []

    def ask(name: str, question: str, args: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        assert question == "facts.read"
        asked.append(name)
        if name == "silent":
            raise NodeSilent(name, "not heard")
        facts = read_facts(args["path"], quantization=args.get("quantization", ""))
        return {"facts": as_dict(facts)}

    monkeypatch.setattr(resolve, "ask_node", ask)
    return asked


def test_a_small_machine_gets_a_small_quantized_model() -> None:
    node("a", cpu(8))
    order = resolve.resolve(LaunchOrder(uid="q", family="qwen3"))
    assert (order.engine, order.format, order.kind) == ("llama.cpp", "ggufv2", "llm")
    assert order.source is not None
    assert order.source.entry.endswith(f"{order.quantization}.gguf")
    assert 0 < order.estimate["host_alone"] < 8 * GB
    assert float(order.size) < 8


def test_a_larger_machine_gets_the_usual_size() -> None:
    node("a", cpu(64))
    order = resolve.resolve(LaunchOrder(uid="q", family="qwen3"))
    assert (order.size, order.quantization) == ("8", "Q4_K_M")


def test_an_accelerator_gets_the_makers_weights() -> None:
    node("a", cpu(64), cuda(80))
    order = resolve.resolve(LaunchOrder(uid="q", family="qwen3", size="8"))
    assert order.engine == "transformers"
    assert order.format != "ggufv2"
    assert order.estimate["device"] > 5 * GB


def test_what_was_said_is_kept() -> None:
    node("a", cpu(8))
    said = LaunchOrder(
        uid="q", family="qwen3", size="14", format="ggufv2", quantization="q8_0",
        options={"n_batch": 64},
    )  # fmt: skip
    order = resolve.resolve(said)
    assert (order.size, order.quantization) == ("14", "Q8_0")
    assert order.options["n_batch"] == 64


@pytest.mark.parametrize(
    ("wrong", "param", "says"),
    [
        ({"family": "qwen33"}, "family", "qwen3"),
        ({"size": "9"}, "model_size_in_billions", "there are: "),
        ({"format": "tarball"}, "model_format", "ggufv2"),
        ({"quantization": "Q1_Z"}, "quantization", "there are: "),
        ({"engine": "vllm"}, "engine", "not in this version"),
        ({"engine": "vlm"}, "engine", "There are: llama.cpp"),
        ({"engine": "llama.cpp", "format": "pytorch"}, "engine", "transformers"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    wrong: dict[str, Any], param: str, says: str
) -> None:
    node("a", cpu(64))
    with pytest.raises(InvalidValue) as error:
        resolve.resolve(LaunchOrder(**{"uid": "q", "family": "qwen3", **wrong}))
    assert error.value.param == param
    assert says in error.value.message


def test_code_of_a_repository_needs_consent() -> None:
    node("a", cpu(512), cuda(640))
    family = next(
        f for f in resolve.library().families("llm")
        if f.remote_code and any(spec.format == "pytorch" for spec in f.specs)
    )  # fmt: skip
    order = LaunchOrder(uid="x", family=family.name, format="pytorch", engine="transformers")
    with pytest.raises(Forbidden) as error:
        resolve.resolve(order)
    assert "trust_remote_code" in error.value.message


def test_a_registration_goes_before_the_catalogue() -> None:
    node("a", cpu(8))
    api.register(
        {
            "name": "qwen3",
            "kind": "llm",
            "specs": [
                {"format": "ggufv2", "repositories": [{"hub": "path", "id": "/models/mine.gguf"}]}
            ],
        },
        by="ann",
        project="research",
        unsafe=True,
    )
    order = resolve.resolve(LaunchOrder(uid="q", family="qwen3", project="research"))
    assert order.source == Source("path", "/models/mine.gguf")
    assert order.family_version == 1
    # Another project does not see it.
    order = resolve.resolve(LaunchOrder(uid="q", family="qwen3", project="sales"))
    assert order.family_version is None


def test_a_path_is_read_where_it_is(disk: list[str]) -> None:
    node("a", cpu(8))
    order = resolve.resolve(LaunchOrder(uid="d", kind="", model_path=str(DEMO)))
    assert disk == ["a"]
    assert (order.kind, order.engine, order.format) == ("llm", "llama.cpp", "ggufv2")
    assert order.estimate["weights"] > 1_000_000


def test_a_path_that_no_node_has_is_refused(disk: list[str]) -> None:
    node("a", cpu(8))
    node("b", cpu(8))
    with pytest.raises(InvalidValue) as error:
        resolve.resolve(LaunchOrder(uid="d", model_path="/nowhere/x.gguf"))
    assert error.value.param == "model_path"
    assert disk == ["a", "b"]


def test_only_nodes_that_may_run_it_are_asked(disk: list[str]) -> None:
    node("a", cpu(8))
    node("b", cpu(8))
    where = Placement(labels={"in": "b"})
    resolve.resolve(LaunchOrder(uid="d", model_path=str(DEMO), placement=where))
    assert disk == ["b"]


def test_the_wrong_engine_for_a_file_is_refused_before_the_launch(disk: list[str]) -> None:
    node("a", cpu(8))
    order = LaunchOrder(uid="d", model_path=str(DEMO), engine="transformers")
    with pytest.raises(InvalidValue) as error:
        resolve.resolve(order)
    assert error.value.param == "engine"
    assert "llama.cpp" in error.value.message


def test_a_node_that_does_not_answer_refuses_nothing(disk: list[str]) -> None:
    node("silent", cpu(8))
    order = resolve.resolve(LaunchOrder(uid="d", model_path=str(DEMO), engine="llama.cpp"))
    assert order.engine == "llama.cpp"
    assert order.estimate == {}


def test_the_estimate_has_learned(disk: list[str]) -> None:
    node("a", cpu(8))
    order = LaunchOrder(uid="d", model_path=str(DEMO))
    plain = resolve.resolve(order).estimate
    MemorySample.objects.create(key=plain["key"], ratio=1.5)
    assert resolve.resolve(order).estimate["host_alone"] > 1.3 * plain["host_alone"]


def test_the_fake_engine_has_no_files_to_read() -> None:
    order = resolve.resolve(LaunchOrder(uid="f", engine="fake", model_path="anything"))
    assert (order.model_path, order.kind) == ("anything", "llm")


def test_a_bare_repository_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    node("a", cpu(8))
    asked: list[Any] = []

    def ask(name: str, question: str, args: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        asked.append(args["source"])
        return {"facts": as_dict(read_facts(DEMO))}

    monkeypatch.setattr(resolve, "ask_node", ask)
    order = resolve.resolve(LaunchOrder(uid="x", family="somebody/some-model"))
    assert asked == [{"hub": "huggingface", "id": "somebody/some-model", "token": ""}]
    assert order.family == ""
    assert order.source is not None
    assert order.source.entry == "demo.gguf"


@pytest.mark.parametrize("hub", ["", "modelscope"])
def test_a_repository_that_the_catalogue_knows_is_its_family(hub: str) -> None:
    node("a", cpu(64))
    order = resolve.resolve(LaunchOrder(uid="x", kind="", family="Qwen/Qwen3-8B", hub=hub))
    assert (order.family, order.size, order.format) == ("qwen3", "8", "pytorch")
    assert order.source == Source(hub or "huggingface", "Qwen/Qwen3-8B")  # type: ignore[arg-type]
    assert order.engine == "transformers"


def test_a_hub_that_does_not_exist() -> None:
    with pytest.raises(InvalidValue) as error:
        api.launch(LaunchOrder(uid="x", family="qwen3", hub="nohub"))
    assert error.value.param == "hub"


def test_every_family_of_the_catalogue_resolves_or_says_why_not() -> None:
    node("a", cpu(2048), cuda(640))
    done = 0
    for family in resolve.library().families():
        order = LaunchOrder(uid="x", kind=family.kind, family=family.name, trust_remote_code=True)
        try:
            full = resolve.resolve(order)
        except PlatformError as error:
            assert "No engine here can run" in error.message, family.name
        else:
            done += 1
            assert full.engine
            assert full.source is not None
    assert done > 150


def test_a_path_with_a_name_that_is_no_family(disk: list[str]) -> None:
    node("a", cpu(8))
    with pytest.raises(InvalidValue, match="'mine' in the catalogue.* give their name as `uid`"):
        resolve.resolve(LaunchOrder(uid="mine", family="mine", model_path=str(DEMO)))


@pytest.mark.parametrize(
    ("placement", "names", "says"),
    [
        (Placement(nodes=("b",)), ["a"], r"`placement` allows none of the nodes that are up \(a\)"),
        (Placement(labels={"in": "b"}), ["a"], "`placement` allows none"),
        (Placement(), ["silent"], "no node that it may run on tells now"),
        (Placement(), [], "no node is up"),
    ],
)
def test_a_path_that_nobody_can_look_at(
    disk: list[str], placement: Placement, names: list[str], says: str
) -> None:
    for name in names:
        node(name, cpu(8))
    order = LaunchOrder(uid="m", model_path=str(DEMO), placement=placement)
    with pytest.raises(MissingField, match=says) as error:
        resolve.resolve(order)
    assert error.value.param == "engine"
    known = resolve.resolve(msgspec.structs.replace(order, engine="llama.cpp"))
    assert known.engine == "llama.cpp"


def test_a_launch_that_does_not_fit_says_what_would() -> None:
    device = {**cpu(16), "memory_used": 11 * GB, "memory_foreign": 11 * GB}
    node("a", device)
    order = LaunchOrder(uid="q", family="qwen3", size="8", format="ggufv2", quantization="Q8_0")
    with pytest.raises(DoesNotFit) as error:
        api.launch(order)
    said = error.value.message
    assert error.value.status == 409
    assert "GiB of memory free" in said
    assert "What would fit: " in said
    instead = error.value.data["fits"]
    assert any("`size`" in text or "`quantization`" in text for text in instead)
    assert api.launches() == []
    # And it does.
    size = next(text for text in instead if "`size`" in text or "`quantization`" in text)
    words = size.split()
    if "`size`" in size:
        smaller = LaunchOrder(
            uid="q", family="qwen3", size=words[1], format="ggufv2", quantization=words[3]
        )
    else:
        smaller = LaunchOrder(
            uid="q", family="qwen3", size="8", format="ggufv2", quantization=words[1]
        )
    assert api.launch(smaller).uid == "q"
