"""Facts are read from what makers publish, whatever they call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.models.facts import as_dict, from_dict, read_facts
from tests.models.facts.folders import (
    BERT,
    DEEPSEEK,
    GEMMA3,
    QWEN3,
    SENTENCE,
    TEMPLATE,
    folder,
    safetensors,
)
from tests.support import tiny_gguf
from xplatform.core.errors import InvalidValue, MissingField


def test_a_language_model_in_the_hubs_form(tmp_path: Path) -> None:
    place = folder(
        tmp_path / "Qwen3-0.6B",
        {
            "config.json": QWEN3,
            "tokenizer_config.json": {"chat_template": TEMPLATE, "eos_token": "<|im_end|>"},
            "generation_config.json": {"eos_token_id": [151645, 151643]},
        },
        {"model.embed_tokens.weight": ("BF16", [1000, 100]), "lm_head.weight": ("BF16", [7, 100])},
    )
    facts = read_facts(place)
    assert (facts.kind, facts.family, facts.format) == ("llm", "qwen3", "pytorch")
    assert (facts.architecture, facts.quantization) == ("Qwen3ForCausalLM", "none")
    assert facts.parameters == 100_700
    assert facts.weight_bytes == (place / "model.safetensors").stat().st_size
    assert (facts.dtype, round(facts.bits or 0)) == ("bfloat16", 16)
    assert facts.context_length == 40960
    assert (facts.layers, facts.heads, facts.kv_heads, facts.head_dim) == (28, 16, 8, 128)
    assert facts.cache_values == 28 * 2 * 8 * 128
    assert facts.sliding_window is None
    assert facts.template_source == "tokenizer_config.json"
    assert facts.stop == ("<|im_end|>",)
    assert facts.stop_token_ids == (151645, 151643)
    assert facts.abilities == ("chat", "generate", "tools", "reasoning", "hybrid")
    assert facts.missing == ()
    assert from_dict({k: v for k, v in as_dict(facts).items() if k in facts.__struct_fields__}) == (
        facts
    )


def test_a_model_of_several_parts_with_sliding_windows(tmp_path: Path) -> None:
    facts = read_facts(
        folder(
            tmp_path / "gemma-3-4b-it",
            {"config.json": GEMMA3, "chat_template.jinja": "{{ '<image>' }}"},
            {"w": ("BF16", [10, 10])},
        )
    )
    assert (facts.layers, facts.context_length, facts.sliding_window) == (34, 131072, 1024)
    width = 2 * 4 * 256
    assert (facts.cache_values, facts.window_values) == (5 * width, 29 * width)
    assert facts.template_source == "chat_template.jinja"
    assert "vision" in facts.abilities


def test_latent_attention_experts_and_remote_code(tmp_path: Path) -> None:
    facts = read_facts(
        folder(
            tmp_path / "DeepSeek-V3",
            {"config.json": DEEPSEEK},
            {
                "a.weight": ("F8_E4M3", [128, 128]),
                "a.weight_scale_inv": ("F32", [1, 1]),
            },
        )
    )
    assert (facts.format, facts.quantization, facts.remote_code) == ("fp8", "FP8", True)
    assert (facts.experts, facts.active_experts) == (256, 8)
    assert facts.cache_values == 61 * 128 * (128 + 64 + 128)
    assert facts.parameters == 128 * 128
    assert not facts.has_chat_template
    assert "chat" not in facts.abilities


@pytest.mark.parametrize(
    ("said", "tensors", "expected"),
    [
        (
            {"quant_method": "gptq", "bits": 4},
            {
                "q.qweight": ("I32", [16, 128]),
                "q.scales": ("F16", [1, 128]),
                "q.qzeros": ("I32", [1, 16]),
            },
            ("gptq", "Int4", 128 * 128),
        ),
        (
            {"quant_method": "awq", "bits": 4},
            {"q.qweight": ("I32", [128, 16]), "q.scales": ("F16", [1, 128])},
            ("awq", "Int4", 128 * 128),
        ),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True},
            {"q.weight": ("U8", [8192, 1]), "q.weight.absmax": ("F32", [256])},
            ("bnb", "4bit", 128 * 128),
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"g": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            {"q.weight": ("F8_E4M3", [128, 128]), "q.weight_scale": ("BF16", [128, 1])},
            ("fp8", "FP8", 128 * 128),
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"g": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            {"q.weight_packed": ("I32", [128, 16]), "q.weight_scale": ("BF16", [128, 1])},
            ("gptq", "Int4", 128 * 128),
        ),
    ],
)
def test_quantized_weights_count_what_they_hold(
    tmp_path: Path,
    said: dict[str, object],
    tensors: dict[str, object],
    expected: tuple[str, str, int],
) -> None:
    config = {**QWEN3, "quantization_config": said}
    facts = read_facts(folder(tmp_path / "m", {"config.json": config}, tensors))
    assert (facts.format, facts.quantization, facts.parameters) == expected


def test_mlx_weights(tmp_path: Path) -> None:
    config = {**QWEN3, "quantization": {"group_size": 64, "bits": 4}}
    tensors = {
        "q.weight": ("U32", [128, 16]),
        "q.scales": ("F16", [128, 2]),
        "q.biases": ("F16", [128, 2]),
    }
    facts = read_facts(folder(tmp_path / "m", {"config.json": config}, tensors))
    assert (facts.format, facts.quantization, facts.parameters) == ("mlx", "4bit", 128 * 128)


def test_the_files_of_the_index_count_and_a_second_copy_does_not(tmp_path: Path) -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    place = folder(
        tmp_path / "m",
        {
            "config.json": QWEN3,
            "model.safetensors.index.json": {"weight_map": {"a": names[0], "b": names[1]}},
        },
    )
    sizes = 0
    for name in names:
        sizes += safetensors(place / name, {name[6:11]: ("BF16", [64, 64])}).stat().st_size
    safetensors(place / "consolidated.safetensors", {"all": ("BF16", [128, 64])})
    facts = read_facts(place)
    assert facts.weight_bytes == sizes
    assert facts.parameters == 2 * 64 * 64


def test_an_embedding_model(tmp_path: Path) -> None:
    facts = read_facts(
        folder(tmp_path / "m", {"config.json": BERT, **SENTENCE}, {"w": ("F32", [10, 10])})
    )
    assert (facts.kind, facts.dimensions, facts.pooling) == ("embedding", 384, "mean")
    assert facts.context_length == 256
    assert facts.cache_values == 0
    assert facts.abilities == ("embed",)


def test_a_dense_layer_makes_the_vector(tmp_path: Path) -> None:
    modules = [
        *SENTENCE["modules.json"],
        {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    files = {
        "config.json": BERT,
        **SENTENCE,
        "modules.json": modules,
        "2_Dense/config.json": {"in_features": 384, "out_features": 128},
    }
    assert read_facts(folder(tmp_path / "m", files, {"w": ("F32", [2, 2])})).dimensions == 128


def test_a_reranker_is_told_by_its_one_label(tmp_path: Path) -> None:
    config = {
        **BERT,
        "architectures": ["XLMRobertaForSequenceClassification"],
        "model_type": "xlm-roberta",
        "id2label": {"0": "LABEL_0"},
    }
    facts = read_facts(folder(tmp_path / "m", {"config.json": config}, {"w": ("F32", [2, 2])}))
    assert facts.kind == "rerank"


def test_speech_recognition_is_audio(tmp_path: Path) -> None:
    config = {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "d_model": 384,
        "decoder_layers": 4,
        "max_target_positions": 448,
    }
    facts = read_facts(folder(tmp_path / "m", {"config.json": config}, {"w": ("F32", [2, 2])}))
    assert facts.kind == "audio"


def test_a_diffusers_pipeline(tmp_path: Path) -> None:
    place = folder(
        tmp_path / "sdxl",
        {
            "model_index.json": {
                "_class_name": "StableDiffusionXLPipeline",
                "_diffusers_version": "0.42.1",
                "unet": ["diffusers", "UNet2DConditionModel"],
                "vae": ["diffusers", "AutoencoderKL"],
                "feature_extractor": [None, None],
            },
            "unet/config.json": {"cross_attention_dim": 2048},
        },
    )
    unet = safetensors(
        place / "unet" / "diffusion_pytorch_model.safetensors", {"w": ("F16", [64, 64])}
    )
    safetensors(
        place / "unet" / "diffusion_pytorch_model.fp16.safetensors", {"w": ("F16", [64, 64])}
    )
    vae = safetensors(place / "vae" / "diffusion_pytorch_model.safetensors", {"w": ("F16", [8, 8])})
    facts = read_facts(place)
    assert (facts.kind, facts.architecture) == ("image", "StableDiffusionXLPipeline")
    assert facts.parameters == 64 * 64 + 8 * 8
    assert facts.weight_bytes == unet.stat().st_size + vae.stat().st_size
    assert facts.components == {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
    assert facts.abilities == ("text2image",)


def test_a_gguf_file(tmp_path: Path) -> None:
    path = tiny_gguf.write_llama(tmp_path / "tiny-Q4_K_M.gguf", template=tiny_gguf.TOOLS_TEMPLATE)
    facts = read_facts(path)
    assert (facts.kind, facts.family, facts.format) == ("llm", "llama", "ggufv2")
    assert facts.quantization == "Q4_K_M"
    assert facts.weight_bytes == path.stat().st_size
    assert facts.parameters is not None and 100_000 < facts.parameters < 300_000
    assert facts.context_length == tiny_gguf.CONTEXT
    head = tiny_gguf.WIDTH // tiny_gguf.HEADS
    assert facts.cache_values == tiny_gguf.LAYERS * tiny_gguf.KV_HEADS * 2 * head
    assert facts.abilities == ("chat", "generate", "tools")
    assert (facts.entry, facts.files) == (path.name, (path.name,))
    assert facts.missing == ()


def test_a_gguf_file_without_a_telling_name_says_it_in_its_header(tmp_path: Path) -> None:
    facts = read_facts(tiny_gguf.write_llama(tmp_path / "model.gguf", template=None, pooling=1))
    assert (facts.kind, facts.quantization, facts.pooling) == ("embedding", "F16", "mean")
    assert facts.dimensions == tiny_gguf.WIDTH
    assert not facts.has_chat_template


def test_a_folder_of_ggufs_asks_which(tmp_path: Path) -> None:
    for name in ("m-Q4_K_M.gguf", "m-IQ3_XXS.gguf", "mmproj-m-F16.gguf"):
        tiny_gguf.write_llama(tmp_path / name)
    with pytest.raises(MissingField) as error:
        read_facts(tmp_path)
    assert error.value.param == "quantization"
    assert error.value.data["choices"] == ["IQ3_XXS", "Q4_K_M"]
    facts = read_facts(tmp_path, quantization="q4_k_m")
    assert facts.entry == "m-Q4_K_M.gguf"
    assert facts.projector == "mmproj-m-F16.gguf"
    assert "vision" in facts.abilities
    with pytest.raises(InvalidValue, match="IQ3_XXS, Q4_K_M"):
        read_facts(tmp_path, quantization="Q8_0")


def test_a_gguf_in_parts_needs_all_of_them(tmp_path: Path) -> None:
    first = tiny_gguf.write_llama(tmp_path / "m-Q8_0-00001-of-00002.gguf")
    with pytest.raises(InvalidValue, match="00002-of-00002"):
        read_facts(first)
    second = tiny_gguf.write_llama(tmp_path / "m-Q8_0-00002-of-00002.gguf")
    facts = read_facts(second)
    assert facts.entry == first.name
    assert facts.files == (first.name, second.name)
    assert facts.weight_bytes == first.stat().st_size + second.stat().st_size


def test_what_cannot_be_read_is_asked_for_by_name(tmp_path: Path) -> None:
    place = folder(tmp_path / "odd", {"config.json": {"model_type": "odd"}}, {"w": ("F32", [2, 2])})
    facts = read_facts(place)
    assert facts.missing == ("kind", "context_length")
    with pytest.raises(MissingField, match="`kind`.*`context_length`") as error:
        facts.need()
    assert error.value.status == 400
    assert error.value.data["fields"] == ["kind", "context_length"]
    whole = facts.given(kind="llm", context_length=4096, family=None)
    assert (whole.kind, whole.context_length, whole.family, whole.missing) == (
        "llm", 4096, "odd", (),
    )  # fmt: skip
    whole.need()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GGUF" + b"\0" * 40, "version 0"),
        (b"not a model at all, but long enough", "not a GGUF"),
        (b"GGUF", "only 4 bytes"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match=said):
        read_facts(path)


def test_no_model_at_all(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no file or folder"):
        read_facts(tmp_path / "nothing")
    with pytest.raises(InvalidValue, match=r"no config\.json"):
        read_facts(tmp_path)
    text = tmp_path / "readme.txt"
    text.write_text("hello")
    with pytest.raises(InvalidValue, match="GGUF file or a model's folder"):
        read_facts(text)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"architectures": 3, "n_layer": "x"}', "null"])
def test_a_config_of_rubbish_is_no_crash(tmp_path: Path, content: str) -> None:
    facts = read_facts(folder(tmp_path / "m", {"config.json": content}))
    assert "kind" in facts.missing
