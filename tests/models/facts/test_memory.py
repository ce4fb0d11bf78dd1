"""What an estimate counts, and how it answers to what a launch may change."""

from __future__ import annotations

import pytest

from apps.models.facts import (
    Facts,
    correct,
    correction_key,
    estimate,
    expectation,
    explain,
    learn,
    report,
)
from xplatform.core.errors import InvalidValue, MissingField

GIB, MIB = 1 << 30, 1 << 20
#: a Qwen3-8B in Q4_K_M
CHAT = Facts(
    name="qwen3", kind="llm", family="qwen3", format="ggufv2", quantization="Q4_K_M", bits=4.9,
    parameters=8_190_000_000, weight_bytes=5_030_000_000, context_length=40960, layers=36,
    heads=32, kv_heads=8, head_dim=128, hidden=4096, intermediate=12288, vocabulary=151_936,
    cache_values=36 * 2 * 8 * 128,
)  # fmt: skip
HUB = CHAT.given(
    format="pytorch", quantization="none", bits=16.0, dtype="bfloat16", weight_bytes=16_380_000_000
)


def test_the_cache_grows_with_slots_and_context() -> None:
    one = estimate(CHAT, "llama.cpp", 1, 8192)
    assert one.cache == 8192 * 36 * 2 * 8 * 128 * 2
    assert estimate(CHAT, "llama.cpp", 4, 8192).cache == 4 * one.cache
    assert estimate(CHAT, "llama.cpp", 4, 2048).cache == one.cache
    assert one.weights == CHAT.weight_bytes
    assert one.total == sum((one.weights, one.cache, one.activations, one.overhead, one.worker))


def test_without_a_context_the_adapters_own_counts() -> None:
    assert estimate(CHAT, "llama.cpp", 1).cache == estimate(CHAT, "llama.cpp", 1, 8192).cache
    short = CHAT.given(context_length=1024)
    assert estimate(short, "llama.cpp", 1).cache == estimate(CHAT, "llama.cpp", 1, 1024).cache
    assert estimate(HUB, "transformers", 1).cache > estimate(HUB, "transformers", 1, 8192).cache


@pytest.mark.parametrize(
    ("options", "share"),
    [
        ({"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 34 / 64),
        ({"cache-type-k": "q4_0"}, (18 + 64) / 128),
        ({"cache_type_v": "f32"}, 1.5),
    ],
)
def test_types_of_the_cache(options: dict[str, str], share: float) -> None:
    plain = estimate(CHAT, "llama.cpp", 2, 4096)
    assert estimate(CHAT, "llama.cpp", 2, 4096, options).cache == pytest.approx(plain.cache * share)


def test_windows_keep_few_tokens() -> None:
    width = 2 * 4 * 256
    gemma = CHAT.given(cache_values=5 * width, sliding_window=1024)
    gemma = Facts(**{**{n: getattr(gemma, n) for n in gemma.__struct_fields__},
                     "window_values": 29 * width})  # fmt: skip
    found = estimate(gemma, "llama.cpp", 1, 32768, {"n_ubatch": 512})
    assert found.cache == 2 * (32768 * 5 * width + 1536 * 29 * width)
    whole = estimate(gemma, "llama.cpp", 1, 32768, {"n_ubatch": 512, "swa_full": True})
    assert whole.cache == 2 * 32768 * 34 * width


def test_layers_on_the_accelerator() -> None:
    alone = estimate(CHAT, "llama.cpp", 4, 8192)
    assert (alone.device, alone.host) == (0, alone.total)
    all_of_it = estimate(CHAT, "llama.cpp", 4, 8192, accelerator="cuda")
    assert all_of_it.device > 0.8 * (all_of_it.weights + all_of_it.cache)
    half = estimate(CHAT, "llama.cpp", 4, 8192, {"ngl": 18}, accelerator="cuda")
    none = estimate(CHAT, "llama.cpp", 4, 8192, {"n_gpu_layers": 0}, accelerator="cuda")
    assert none.device < half.device < all_of_it.device
    assert none.host > half.host > all_of_it.host
    in_memory = estimate(CHAT, "llama.cpp", 4, 8192, {"no_kv_offload": True}, accelerator="cuda")
    assert in_memory.device == all_of_it.device - all_of_it.cache
    for found in (half, none, in_memory):
        assert found.device + found.host == found.total


def test_a_projector_counts_where_it_is_loaded() -> None:
    facts = CHAT.given(projector="mmproj.gguf", projector_bytes=800 * MIB)
    plain = estimate(facts, "llama.cpp", 1, 2048)
    seeing = estimate(facts, "llama.cpp", 1, 2048, {"mmproj": "/m/mmproj.gguf"})
    assert seeing.weights == plain.weights + 800 * MIB
    blind = estimate(facts, "llama.cpp", 1, 2048, {"mmproj": "x", "no_mmproj": True})
    assert blind.total == plain.total


def test_half_precision_becomes_whole_on_a_processor() -> None:
    alone = estimate(HUB, "transformers", 1, 2048)
    assert alone.weights == 4 * 8_190_000_000
    assert alone.loading == HUB.weight_bytes  # the file stays mapped until all is converted
    kept = estimate(HUB, "transformers", 1, 2048, {"dtype": "bfloat16"})
    assert (kept.weights, kept.loading) == (HUB.weight_bytes, 0)
    fast = estimate(HUB, "transformers", 1, 2048, accelerator="cuda")
    assert fast.weights == HUB.weight_bytes
    assert fast.device > fast.weights + fast.cache
    assert fast.host < 3 * GIB


def test_a_cache_that_takes_what_it_gets() -> None:
    wanted = estimate(HUB, "transformers", 8, accelerator="cuda")
    tight = estimate(HUB, "transformers", 8, accelerator="cuda", free=24 * GIB)
    assert tight.cache < wanted.cache
    assert tight.device <= 24 * GIB
    assert tight.least < tight.total
    asked = estimate(HUB, "transformers", 8, 4096, {"num_blocks": 100, "page_size": 16})
    assert asked.cache == 1600 * 36 * 2 * 8 * 128 * 4


def test_embeddings_keep_no_cache_but_large_batches() -> None:
    bert = Facts(
        kind="embedding", format="pytorch", dtype="float32", parameters=110_000_000,
        weight_bytes=440_000_000, context_length=512, hidden=768, intermediate=3072,
        layers=12, heads=12, kv_heads=12, head_dim=64, vocabulary=30522, cache_values=0,
    )  # fmt: skip
    found = estimate(bert, "transformers", 4)
    assert found.cache == 0
    assert found.activations > 16384 * 4 * 4 * 3072
    small = estimate(bert, "transformers", 4, options={"max_batch_texts": 4})
    assert small.activations < found.activations / 4


def test_what_cannot_be_estimated() -> None:
    with pytest.raises(InvalidValue, match="'vllm' has no memory estimate"):
        estimate(CHAT, "vllm", 1)
    with pytest.raises(MissingField, match="weight_bytes"):
        estimate(Facts(kind="llm", format="ggufv2"), "llama.cpp", 1)
    assert estimate(Facts(), "fake", 1, options={"memory_mb": 100}).total > 100 * MIB


def test_parameters_and_quantization_do_for_weights() -> None:
    rough = Facts(
        kind="llm", format="ggufv2", quantization="Q4_K_M", parameters=8_000_000_000, rough=True
    )
    found = estimate(rough, "llama.cpp", 1, 4096)
    assert found.weights == pytest.approx(8e9 * 4.89 / 8)
    assert found.rough


def test_rows_for_people_add_up() -> None:
    for found in (
        estimate(CHAT, "llama.cpp", 4, 8192),
        estimate(HUB, "transformers", 1, 512),
        correct(estimate(CHAT, "llama.cpp", 4, 8192), 1.2),
    ):
        rows = explain(found)
        names = [name for name, _ in rows]
        place = names.index("total")
        assert sum(size for _, size in rows[:place]) == rows[place][1] == found.total
    assert ("old prompts, in time (not in the total)", 512 * MIB) in explain(
        estimate(CHAT, "llama.cpp", 4, 8192)
    )


# --- learning --------------------------------------------------------------------------------


def test_a_ratio_comes_near_what_is_measured() -> None:
    ratio = 1.0
    for count in range(30):
        ratio = learn(ratio, count, 1_300, 1_000)
    assert ratio == pytest.approx(1.3, abs=0.01)
    for count in range(30, 60):
        ratio = learn(ratio, count, 900, 1_000)
    assert ratio == pytest.approx(0.9, abs=0.02)


def test_the_first_measurement_counts_whole_and_too_little_counts_more() -> None:
    assert learn(1.0, 0, 1_200, 1_000) == pytest.approx(1.2)
    upwards = learn(1.0, 50, 1_200, 1_000) - 1.0
    downwards = 1.0 - learn(1.0, 50, 800, 1_000)
    assert upwards > 2 * downwards > 0


def test_outliers_teach_nothing_and_corrections_have_bounds() -> None:
    assert learn(1.1, 5, 10_000, 1_000) == 1.1
    assert learn(1.1, 5, 100, 1_000) == 1.1
    assert learn(1.1, 5, 0, 1_000) == 1.1
    assert learn(1.1, 5, 1_000, 0) == 1.1
    assert learn(1.0, 0, 3_900, 1_000) == 2.0
    assert learn(1.0, 0, 300, 1_000) == 0.6


def test_old_prompts_are_no_reason_to_correct() -> None:
    assert learn(1.0, 0, 1_400, 1_000, kept=500) == 1.0
    assert learn(1.0, 0, 1_700, 1_000, kept=500) == pytest.approx(1.2)


def test_a_correction_scales_the_whole_but_never_the_weights_away() -> None:
    found = estimate(CHAT, "llama.cpp", 4, 8192, accelerator="cuda")
    more = correct(found, 1.25)
    assert more.total == int(found.total * 1.25)
    assert more.device + more.host == more.total
    assert more.correction == 1.25
    heavy = CHAT.given(weight_bytes=50 * GIB)
    less = correct(estimate(heavy, "llama.cpp", 1, 512), 0.6)
    assert less.total >= 50 * GIB


def test_keys_are_of_what_makes_estimates_wrong_alike() -> None:
    assert correction_key(CHAT, "llama.cpp") == "llama.cpp/llm/qwen3/ggufv2"
    assert correction_key(HUB, "transformers") == "transformers/llm/qwen3/pytorch"
    assert len(correction_key(Facts(family="x" * 500), "fake")) <= 200


def test_what_a_launch_records() -> None:
    record = expectation(CHAT, "llama.cpp", 4, 8192, ratio=1.1)
    alone = correct(estimate(CHAT, "llama.cpp", 4, 8192), 1.1)
    beside = correct(estimate(CHAT, "llama.cpp", 4, 8192, accelerator="cuda"), 1.1)
    assert record["host_alone"] == alone.total
    assert (record["device"], record["host"]) == (beside.device, beside.host)
    assert (record["key"], record["correction"]) == ("llama.cpp/llm/qwen3/ggufv2", 1.1)


# --- for people ------------------------------------------------------------------------------


def test_a_report_tells_of_every_engine() -> None:
    told = report(CHAT, slots=4, context_length=4096, ratios={"llama.cpp/llm/qwen3/ggufv2": 1.5})
    assert (told["model"], told["size"], told["quantization"]) == ("qwen3", "8.2", "Q4_K_M")
    by_name = {entry["engine"]: entry for entry in told["engines"]}
    plain = estimate(CHAT, "llama.cpp", 4, 4096)
    assert by_name["llama.cpp"]["estimate"]["total"] == int(plain.total * 1.5)
    assert by_name["llama.cpp"]["rows"][0] == ["weights", CHAT.weight_bytes]
    assert by_name["vllm"]["reason"] == "not in this version of xplatform"
    assert "not ggufv2" in by_name["transformers"]["reason"]
    assert "fake" not in by_name
    gpu = {"devices": [{"id": "cuda:0", "kind": "cuda"}]}
    (entry,) = report(HUB, [gpu], slots=4, engines=["transformers"])["engines"]
    assert entry["estimate"]["device"] > 16_000_000_000
    # Its package for Linux computes on the processor only.
    (entry,) = report(CHAT, [gpu], slots=4, engines=["llama.cpp"])["engines"]
    assert entry["estimate"]["device"] == 0
    mac = {"devices": [{"id": "metal", "kind": "metal"}]}
    (entry,) = report(CHAT, [mac], slots=4, engines=["llama.cpp"])["engines"]
    assert entry["estimate"]["device"] > 5_000_000_000
    assert report(CHAT, slots=1)["context_length"] == 8192
