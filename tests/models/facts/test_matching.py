"""Which engine runs what where, and why another does not."""

from __future__ import annotations

import msgspec
import pytest

from apps.models.checks import check_order
from apps.models.facts import Facts, Machine, check_engine, machine, match
from apps.models.orders import LaunchOrder
from tests.models.facts.folders import QWEN3
from xplatform.core.errors import InvalidValue
from xplatform.devices import Device
from xplatform.engines.registry import ENGINES, engine_class
from xplatform.engines.rules import RULES, EngineMatch, uses, why_not

GGUF = Facts(name="qwen", kind="llm", family="qwen3", format="ggufv2", quantization="Q4_K_M")
HUB = Facts(
    name="Qwen3",
    kind="llm",
    family="qwen3",
    architecture=QWEN3["architectures"][0],
    format="pytorch",
    quantization="none",
)
PLAIN = {"name": "a", "devices": {"devices": [Device(id="cpu", kind="cpu")]}, "engines": {}}
HOPPER = {
    "name": "h",
    "devices": {"devices": [{"id": "cuda:0", "kind": "cuda", "capability": "9.0"}]},
    "engines": {"llama.cpp": "1"},
}
TURING = {**HOPPER, "devices": [{"id": "cuda:0", "kind": "cuda", "capability": "7.5"}]}
MAC = {"name": "m", "devices": {"devices": [{"id": "metal", "kind": "metal"}]}}


def by_name(facts: Facts, node: object) -> dict[str, EngineMatch]:
    return {entry.engine: entry for entry in match(facts, node)}  # type: ignore[arg-type]


def test_a_gguf_runs_on_llama_cpp() -> None:
    found = by_name(GGUF, HOPPER)
    assert found["llama.cpp"].ok and found["llama.cpp"].installed
    assert found["llama-cpp-python"].ok and not found["llama-cpp-python"].installed
    assert found["transformers"].reason == "reads pytorch, gptq, awq, bnb, fp8 and fp4, not ggufv2"
    assert next(iter(found)) in ("llama.cpp", "llama-cpp-python")  # those that can come first


def test_engines_of_other_versions_say_so_and_what_else_is_wrong() -> None:
    found = by_name(HUB, HOPPER)
    assert found["vllm"].reason == "not in this version of xplatform"
    assert not found["vllm"].ok and not found["vllm"].available
    found = by_name(HUB, PLAIN)
    assert found["vllm"].reason.endswith("and it needs an NVIDIA or AMD GPU")
    assert found["sglang"].reason.endswith("and it needs an NVIDIA GPU")
    assert by_name(HUB, MAC)["vllm"].reason.endswith("and it runs on Linux, not on darwin")
    assert by_name(HUB.given(format="mlx"), PLAIN)["mlx"].reason.endswith("needs Apple silicon")


def test_the_fake_engine_is_never_offered() -> None:
    assert "fake" not in by_name(GGUF, PLAIN)
    (only,) = match(GGUF, PLAIN, ["fake"])
    assert only.ok and only.installed


@pytest.mark.parametrize("kind", ["rerank", "image", "audio", "video"])
def test_kinds_that_no_engine_serves_yet(kind: str) -> None:
    found = match(HUB.given(kind=kind), HOPPER)
    assert not any(entry.ok for entry in found)
    reason = {entry.engine: entry.reason for entry in found}["llama.cpp"]
    assert reason == f"serves llm and embedding models, not {kind}"


def test_formats_that_need_a_gpu_of_a_generation() -> None:
    fp8 = HUB.given(format="fp8", quantization="FP8")
    assert "needs an NVIDIA GPU for fp8" in by_name(fp8, PLAIN)["transformers"].reason
    assert "compute capability 8.9" in by_name(fp8, TURING)["transformers"].reason
    assert by_name(fp8, HOPPER)["transformers"].ok
    gptq = HUB.given(format="gptq", quantization="Int4")
    assert by_name(gptq, HOPPER)["transformers"].packages == ("gptqmodel",)
    odd = HUB.given(format="gptq", quantization="Int2")
    assert "reads gptq weights of 3, 4 and 8 bits, not 2" in by_name(odd, HOPPER)["vllm"].reason


def test_architectures_that_an_engine_does_not_know() -> None:
    odd = Facts(kind="llm", family="oddest", architecture="OddestForCausalLM", format="pytorch")
    found = by_name(odd, HOPPER)
    assert found["transformers"].reason.startswith("does not know the architecture OddestFor")
    assert found["vllm"].reason.endswith("does not know the architecture OddestForCausalLM")
    gguf = Facts(kind="llm", family="oddest", format="ggufv2")
    assert by_name(gguf, HOPPER)["llama.cpp"].reason == "does not know the architecture oddest"


def test_what_nobody_knows_refuses_nothing() -> None:
    found = by_name(Facts(), HOPPER)
    assert all(found[name].ok for name in ENGINES if name != "fake")


def test_the_rules_name_the_kinds_that_adapters_serve() -> None:
    for name in ENGINES:
        assert set(RULES[name].kinds) == set(engine_class(name).capabilities), name


def test_options_are_those_of_the_kind() -> None:
    found = by_name(HUB, HOPPER)["transformers"]
    names = [option.name for option in found.options]
    assert "num_blocks" in names and "truncate" not in names
    vector = by_name(HUB.given(kind="embedding"), HOPPER)["transformers"]
    assert "truncate" in [option.name for option in vector.options]


def test_a_node_in_every_form_it_is_told_in() -> None:
    assert machine(PLAIN) == Machine(name="a")
    told = machine(HOPPER)
    assert told.capability == 9.0 and told.devices == {"cpu", "cuda"} and told.has("llama.cpp")
    assert machine(TURING).capability == 7.5
    assert machine(MAC).system == "darwin"
    assert machine({"devices": {"gpus": [{"index": 0}]}}).devices == {"cpu", "cuda"}
    assert machine(told) is told


def test_an_engine_that_does_not_fit_is_refused_before_the_launch() -> None:
    check_engine("llama.cpp", GGUF, [PLAIN])
    check_engine("llama.cpp", GGUF)
    check_engine("fake", HUB.given(kind="embedding"), [PLAIN])
    with pytest.raises(InvalidValue, match="serves llm and embedding models, not audio") as error:
        check_engine("transformers", HUB.given(kind="audio"))
    assert (error.value.status, error.value.param) == (400, "engine")
    with pytest.raises(InvalidValue, match=r"not ggufv2\. It can be run by: llama\.cpp") as error:
        check_engine("transformers", GGUF, [PLAIN])
    assert error.value.data["engines"] == ["llama.cpp", "llama-cpp-python"]
    with pytest.raises(InvalidValue, match="on a it needs an NVIDIA GPU for fp8 weights"):
        check_engine("transformers", HUB.given(format="fp8"), [PLAIN])
    check_engine("transformers", HUB.given(format="fp8"), [PLAIN, HOPPER])
    with pytest.raises(InvalidValue, match="is not in this version"):
        check_engine("vllm", HUB, [HOPPER])
    with pytest.raises(InvalidValue, match=r"Did you mean 'llama\.cpp'"):
        check_engine("llamacpp", GGUF)


def test_an_order_whose_engine_cannot_serve_its_kind_is_no_launch() -> None:
    gguf = LaunchOrder(uid="m", kind="llm", model_path="/m.gguf", engine="llama.cpp")
    with pytest.raises(InvalidValue, match="serves llm and embedding models, not rerank") as error:
        check_order(msgspec.structs.replace(gguf, kind="rerank"))
    assert error.value.param == "engine"
    with pytest.raises(InvalidValue, match="reads ggufv2, not pytorch"):
        check_order(msgspec.structs.replace(gguf, format="pytorch"))
    check_order(msgspec.structs.replace(gguf, format="ggufv2"))


def test_an_engine_is_offered_where_its_package_can_compute() -> None:
    assert uses("llama.cpp", "metal") and not uses("llama.cpp", "cuda")
    assert uses("transformers", "cuda")
    gpu_alone = Machine(devices=frozenset({"cuda"}))
    assert (
        str(why_not("llama.cpp", GGUF, gpu_alone)) == "is built for cpu and metal in this version"
    )
    assert why_not("llama.cpp", GGUF, machine(HOPPER)) is None  # which has a processor, too
