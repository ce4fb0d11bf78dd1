"""Facts and offers of catalogue families before any of their files is there."""

from __future__ import annotations

import pytest

from apps.models.catalogue.library import Library
from apps.models.catalogue.schema import Family, Repository, Shape, Spec
from apps.models.facts import estimate, facts_of_family, match_family
from apps.models.facts.facts import billions
from apps.models.facts.quantization import bits_per_weight, gguf_quantization
from xplatform.devices import Device
from xplatform.engines.options import OPTIONS

HERE = (Repository("huggingface", "a/b"),)
GGUF = Spec("ggufv2", HERE, size="8", quantizations=("Q4_K_M", "Q8_0"), file="m-{quantization}")
HUB = Spec("pytorch", HERE, size="8")
FP8 = Spec("fp8", HERE, size="8", quantizations=("fp8",))
FAMILY = Family(
    "some", "llm", (HUB, GGUF, FP8), context_length=32768, architectures=("Qwen3ForCausalLM",)
)
CPU = {"name": "a", "devices": {"devices": [Device(id="cpu", kind="cpu")]}}
GPU = {
    "name": "g",
    "devices": {"devices": [Device(id="cuda:0", kind="cuda", capability="9.0")]},
}


@pytest.mark.parametrize(
    ("format", "quantization", "low", "high"),
    [
        ("ggufv2", "Q4_K_M", 4.5, 5.2),
        ("ggufv2", "IQ3_XXS", 3.0, 3.5),
        ("ggufv2", "UD-Q4_K_XL", 4.5, 5.5),
        ("ggufv2", "q8_0", 8.4, 8.6),
        ("ggufv2", "BF16", 16, 16),
        ("gptq", "Int4", 4.1, 4.6),
        ("gptq", "Int8", 8.1, 8.6),
        ("awq", "Int4", 4.1, 4.6),
        ("mlx", "4bit", 4.3, 4.7),
        ("mlx", "8bit", 8.3, 8.7),
        ("bnb", "4bit", 4.2, 4.8),
        ("fp8", "fp8", 8, 8),
        ("fp4", "NVFP4", 4.4, 4.6),
        ("fp4", "MXFP4", 4.2, 4.4),
        ("pytorch", "none", 16, 16),
    ],
)
def test_bits_of_a_name(format: str, quantization: str, low: float, high: float) -> None:
    bits = bits_per_weight(format, quantization)
    assert bits is not None and low <= bits <= high


def test_a_name_that_says_nothing() -> None:
    assert bits_per_weight("ggufv2", "whatever") is None
    assert gguf_quantization("model.gguf", None) == ""
    assert gguf_quantization("model.gguf", 15) == "Q4_K_M"
    assert gguf_quantization("Model-7B-UD-IQ2_XXS.gguf", 1) == "UD-IQ2_XXS"
    assert gguf_quantization("model.Q5_K_S.gguf", 1) == "Q5_K_S"


def test_sizes_as_people_write_them() -> None:
    sizes = {596_049_920: "0.6", 7_615_616_512: "7.6", 235_093_634_560: "235", 22_000_000: "0.022"}
    assert {number: billions(number) for number in sizes} == sizes
    assert billions(None) == ""


def test_a_size_tells_a_shape() -> None:
    facts = facts_of_family(FAMILY, GGUF, "Q8_0")
    assert facts.rough
    assert facts.parameters == 8_000_000_000
    assert facts.weight_bytes == pytest.approx(8.5e9, rel=0.02)
    assert facts.layers == 36 and facts.cache_values == 36 * 2 * 8 * 128
    assert facts.context_length == 32768
    small = facts_of_family(FAMILY, GGUF, "Q4_K_M")
    assert (small.weight_bytes or 0) < 0.65 * (facts.weight_bytes or 0)


def test_what_the_catalogue_knows_goes_before_guesses() -> None:
    shape = Shape(layers=10, hidden=512, heads=8, vocabulary=1000, intermediate=2048, kv_heads=2)
    spec = Spec("pytorch", HERE, size="8", shape=shape, weights={"none": 123})
    facts = facts_of_family(FAMILY, spec)
    assert (facts.layers, facts.head_dim, facts.weight_bytes) == (10, 64, 123)
    assert facts.cache_values == 10 * 2 * 2 * 64


def test_a_mixture_of_experts_is_as_deep_as_a_smaller_model() -> None:
    mixture = facts_of_family(FAMILY, Spec("pytorch", HERE, size="30", active="3"))
    dense = facts_of_family(FAMILY, Spec("pytorch", HERE, size="30"))
    assert (mixture.cache_values or 0) < (dense.cache_values or 0)
    assert mixture.parameters == dense.parameters


def test_without_a_size_the_bytes_are_asked_for() -> None:
    facts = facts_of_family(Family("x", "image", (Spec("pytorch", HERE),)), Spec("pytorch", HERE))
    assert facts.missing == ("weight_bytes",)


def test_every_engine_with_what_it_runs_or_why_not() -> None:
    found = match_family(FAMILY, [CPU, GPU])
    (offer,) = found["llama.cpp"]
    assert not isinstance(offer, str)
    assert (offer.format, offer.size, offer.quantizations) == ("ggufv2", "8", ("Q4_K_M", "Q8_0"))
    assert offer.nodes == ("a", "g")
    offers = found["transformers"]
    assert not isinstance(offers, str)
    assert {(entry.format, entry.nodes) for entry in offers if not isinstance(entry, str)} == {
        ("pytorch", ("a", "g")),
        ("fp8", ("g",)),
    }
    assert found["vllm"] == "not in this version of xplatform"
    assert "fake" not in found


def test_an_engine_that_runs_none_of_it_says_why() -> None:
    only = Family("some", "llm", (FP8,), architectures=("Qwen3ForCausalLM",))
    found = match_family(only, [CPU])
    assert found["transformers"] == "needs an NVIDIA GPU for fp8 weights"
    assert found["llama.cpp"] == "reads ggufv2, not fp8"
    assert match_family(only)["transformers"] != found["transformers"]
    narrowed = match_family(FAMILY, [CPU], format="pytorch")
    assert narrowed["llama.cpp"] == "reads ggufv2, not pytorch"
    odd = match_family(FAMILY, [CPU], format="awq")
    assert odd["transformers"] == "the family has no such size, format or quantization"
    one = match_family(FAMILY, [CPU], quantization="q8_0")["llama.cpp"]
    assert not isinstance(one, str) and one[0].quantizations == ("Q8_0",)


def test_the_whole_catalogue_can_be_estimated_and_matched() -> None:
    families = list(Library().families())
    assert len(families) > 150
    runnable = 0
    for family in families:
        found = match_family(family, [CPU, GPU])
        assert set(found) >= {"llama.cpp", "transformers", "vllm"}
        for name, offers in found.items():
            if isinstance(offers, str):
                assert offers, name
                continue
            for offer in offers:
                spec = next(
                    spec
                    for spec in family.specs
                    if (spec.format, spec.size) == (offer.format, offer.size)
                )
                facts = facts_of_family(family, spec, offer.quantizations[0])
                if facts.weight_bytes:
                    found_memory = estimate(facts, name, 1, 2048)
                    assert found_memory.total > facts.weight_bytes
                    runnable += 1
    assert runnable > 300


def test_options_have_help_and_fitting_defaults() -> None:
    for engine, options in OPTIONS.items():
        names = [option.name for option in options]
        assert len(names) == len(set(names)), engine
        for option in options:
            assert option.help
            if option.default is not None:
                assert option.problem(option.default) is None, (engine, option)
