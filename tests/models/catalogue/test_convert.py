"""Registrations as Xinference's users have them, in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.models.catalogue.choice import choices, files_of, filled
from apps.models.catalogue.convert import (
    family_from,
    family_from_json,
    from_xinference,
    kind_of,
    to_xinference,
    type_of,
)
from apps.models.catalogue.library import OWN, Library, library
from apps.models.catalogue.schema import Family, Repository
from xplatform.core.errors import InvalidRequest, InvalidValue, UnknownField

LLM: dict[str, Any] = {
    "version": 2,
    "context_length": 2048,
    "model_name": "tiny-llm",
    "model_lang": ["en"],
    "model_ability": ["generate", "chat"],
    "model_description": "random weights",
    "model_family": "tiny-llm",
    "model_specs": [
        {
            "model_format": "pytorch",
            "model_size_in_billions": 1,
            "quantization": "none",
            "model_id": "local/tiny-llm",
            "model_uri": "/models/tiny-llm",
        },
        {
            "model_format": "ggufv2",
            "model_size_in_billions": "0_5",
            "quantization": "F16",
            "model_id": "local/tiny-llm",
            "model_file_name_template": "tiny-llm.gguf",
            "model_uri": "file:///models/tiny-llm.gguf",
        },
    ],
    "chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}",
    "stop_token_ids": [2],
    "stop": ["<|im_end|>"],
    "architectures": ["LlamaForCausalLM"],
    "is_builtin": True,
}
EMBEDDING: dict[str, Any] = {
    "model_name": "tiny-bert",
    "dimensions": 64,
    "max_tokens": 512,
    "language": ["en"],
    "model_specs": [{"model_format": "pytorch", "quantization": "none", "model_id": "me/bert"}],
}


def spec(**more: Any) -> dict[str, Any]:
    return {
        "model_format": "gptq",
        "model_size_in_billions": 7,
        "model_id": "maker/model-gptq-Int4",
        "quantization": "Int4",
    } | more


def test_a_language_model() -> None:
    family = from_xinference("LLM", LLM)
    assert (family.name, family.kind, family.context_length) == ("tiny-llm", "llm", 2048)
    assert family.abilities == ("generate", "chat")
    assert family.chat_template == LLM["chat_template"]
    assert family.stop_token_ids == (2,)
    assert family.stop == ("<|im_end|>",)
    folder, file = family.specs
    assert folder.repositories == (Repository(hub="path", id="/models/tiny-llm"),)
    assert (folder.size, file.size) == ("1", "0.5")
    assert file.repositories == (Repository(hub="path", id="/models/tiny-llm.gguf"),)
    assert file.quantizations == ("F16",)


def test_entries_of_one_form_and_size_become_one_spec() -> None:
    given = LLM | {
        "model_specs": [
            spec(),
            spec(quantization="Int8", model_id="maker/model-gptq-Int8"),
            spec(model_hub="modelscope", model_id="mirror/model-Int4"),
            spec(model_size_in_billions=72, model_id="maker/big-gptq"),
        ]
    }
    small, big = from_xinference("LLM", given).specs
    assert small.quantizations == ("Int4", "Int8")
    assert small.repositories == (
        Repository(hub="huggingface", id="maker/model-gptq-{quantization}"),
        Repository(hub="modelscope", id="mirror/model-Int4", quantizations=("Int4",)),
    )
    assert (big.size, big.repositories[0].id) == ("72", "maker/big-gptq")


def test_the_older_form_lists_quantizations() -> None:
    given = LLM | {
        "version": 1,
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 7,
                "quantizations": ["Q4_0", "Q8_0"],
                "model_id": "maker/model-GGUF",
                "model_file_name_template": "model.{quantization}.gguf",
                "quantization_parts": {"Q8_0": ["1", "2"]},
                "model_file_name_split_template": "{quantization}-{part}.gguf",
            }
        ],
    }
    (found,) = from_xinference("LLM", given).specs
    assert found.quantizations == ("Q4_0", "Q8_0")
    assert files_of(found, "Q4_0") == ("model.Q4_0.gguf",)
    assert files_of(found, "Q8_0") == ("Q8_0-1.gguf", "Q8_0-2.gguf")


def test_a_variant_takes_from_its_family_what_it_leaves_out() -> None:
    given = LLM | {
        "model_name": "my-qwen",
        "model_family": "qwen3",
        "model_ability": ["chat", "tools"],
        "chat_template": None,
        "stop": None,
        "stop_token_ids": [7],
        "architectures": None,
    }
    family = from_xinference("LLM", given)
    qwen = library().find("qwen3", "llm")
    assert family.base == "qwen3"
    assert family.tool_parser == qwen.tool_parser != ""
    assert family.reasoning_tags == qwen.reasoning_tags is not None
    assert family.architectures == qwen.architectures != ()
    assert family.stop_token_ids == (7,)
    assert family.context_length == 2048


def test_a_template_that_is_the_name_of_a_family_means_its_template() -> None:
    family = from_xinference("LLM", LLM | {"chat_template": "qwen3"})
    assert family.chat_template == library().find("qwen3").chat_template
    assert family.tool_parser == library().find("qwen3").tool_parser


def test_an_embedding_model_and_a_reranker() -> None:
    family = from_xinference("embedding", EMBEDDING)
    assert (family.dimensions, family.context_length) == (64, 512)
    assert family.abilities == ("embed",)
    rerank = from_xinference("rerank", EMBEDDING | {"type": "LLM-based", "dimensions": None})
    assert rerank.abilities == ("rerank",)
    assert rerank.architectures == ("LLM-based",)


def test_an_image_model_with_what_goes_with_it() -> None:
    family = from_xinference(
        "image",
        {
            "model_name": "my-sd",
            "model_family": "stable_diffusion",
            "model_uri": "/models/sd",
            "model_ability": ["text2image"],
            "default_generate_config": {"num_inference_steps": 4},
            "gguf_model_id": "maker/sd-gguf",
            "gguf_quantizations": ["Q4_0", "Q8_0"],
            "gguf_model_file_name_template": "sd-{quantization}.gguf",
            "controlnet": [{"model_name": "canny", "model_uri": "/models/canny"}],
        },
    )
    pipeline, gguf = family.specs
    assert pipeline.repositories == (Repository(hub="path", id="/models/sd"),)
    assert [each.name for each in pipeline.companions] == ["canny"]
    assert files_of(gguf, "Q8_0") == ("sd-Q8_0.gguf",)
    assert family.defaults == {"num_inference_steps": 4}


def test_an_audio_model() -> None:
    family = from_xinference(
        "audio",
        {
            "model_name": "my-whisper",
            "model_family": "whisper",
            "multilingual": True,
            "model_id": "maker/whisper",
            "model_revision": "main",
            "model_ability": ["audio2text"],
        },
    )
    assert family.architectures == ("whisper",)
    assert family.languages == ("multilingual",)
    assert family.specs[0].repositories == (Repository(hub="huggingface", id="maker/whisper"),)


def test_a_flexible_model() -> None:
    given = {
        "model_name": "mine",
        "launcher": "my.module.launch",
        "launcher_args": '{"threshold": 0.5}',
        "model_uri": "/models/mine",
    }
    family = from_xinference("flexible", given)
    assert family.engine_options["flexible"] == {
        "launcher": "my.module.launch",
        "launcher_args": {"threshold": 0.5},
    }
    shown = to_xinference(family, built_in=False)
    assert json.loads(shown["launcher_args"]) == {"threshold": 0.5}
    assert shown["model_uri"] == "file:///models/mine"


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("LLM", {"model_name": "no spaces"}, "model_name"),
        ("LLM", {"model_name": None}, "model_name"),
        ("LLM", {"model_ability": ["fly"]}, "model_ability[0]"),
        ("LLM", {"model_ability": ["vision"]}, "model_ability"),
        ("LLM", {"context_length": "long"}, "context_length"),
        ("LLM", {"context_length": 0}, "context_length"),
        ("LLM", {"model_specs": []}, "model_specs"),
        ("LLM", {"model_specs": "none"}, "model_specs"),
        ("LLM", {"stop_token_ids": ["2"]}, "stop_token_ids[0]"),
        ("LLM", {"reasoning_start_tag": "<think>"}, "reasoning_end_tag"),
        ("LLM", {"version": 3}, "version"),
        ("LLM", {"contex_length": 5, "context_length": None}, None),
        ("embedding", {"dimensions": "many"}, "dimensions"),
        ("embedding", {"max_tokens": -1}, "max_tokens"),
        ("image", {"model_specs": None, "language": None}, "model_family"),
        ("audio", {"model_specs": None, "language": "en", "model_family": "w"}, "model_id"),
        ("audio", {"model_specs": None, "model_family": "w"}, "language"),
        ("flexible", {"launcher": "x", "launcher_args": "{"}, "launcher_args"),
        ("flexible", {"launcher": "x", "launcher_args": "[]"}, "launcher_args"),
        ("flexible", {"launcher": None}, "launcher"),
    ],
)
def test_each_mistake_is_named_by_its_field(
    kind: str, change: dict[str, Any], field: str | None
) -> None:
    given = (LLM if kind == "LLM" else EMBEDDING) | change
    if field is None:
        given.pop("context_length")
        with pytest.raises(UnknownField, match="did you mean context_length"):
            from_xinference(kind, given)
        return
    with pytest.raises(InvalidRequest) as caught:
        from_xinference(kind, given)
    assert caught.value.param == field
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_format": "gguf"}, "model_format"),
        ({"model_size_in_billions": "big"}, "model_size_in_billions"),
        ({"model_size_in_billions": None}, "model_size_in_billions"),
        ({"model_id": "model"}, "model_id"),
        ({"model_id": "/models/mine"}, "model_id"),
        ({"model_id": None}, "model_id"),
        ({"model_uri": "./mine"}, "model_uri"),
        ({"model_uri": "file://mine"}, "model_uri"),
        ({"model_uri": "ftp://host/mine"}, "model_uri"),
        ({"model_hub": "elsewhere"}, "model_hub"),
        ({"model_format": "ggufv2"}, "model_file_name_template"),
        (
            {
                "model_format": "ggufv2",
                "model_file_name_template": "",
                "quantization_parts": {"Int4": ["1"]},
            },
            "model_file_name_split_template",
        ),
        ({"model_uris": "/models/mine"}, "model_uris"),
    ],
)
def test_each_mistake_in_a_spec_is_named_by_its_place(change: dict[str, Any], field: str) -> None:
    given = LLM | {"model_specs": [spec(quantization="Int8"), spec(**change)]}
    with pytest.raises(InvalidRequest) as caught:
        from_xinference("LLM", given)
    assert caught.value.param is not None
    assert caught.value.param.startswith("model_specs[")
    assert caught.value.param.endswith("]." + field)


def test_the_same_thing_twice_is_refused() -> None:
    given = LLM | {"model_specs": [spec(), spec(model_id="maker/other-gptq-Int4")]}
    with pytest.raises(InvalidValue, match="gptq 7 Int4 is there twice") as caught:
        from_xinference("LLM", given)
    assert caught.value.param == "model_specs"


def test_a_hub_that_is_not_known_here_is_left_aside_if_there_is_another() -> None:
    elsewhere = spec(model_hub="openmind_hub", model_id="other/model")
    family = from_xinference("LLM", LLM | {"model_specs": [spec(), elsewhere]})
    assert [each.hub for each in family.specs[0].repositories] == ["huggingface"]
    with pytest.raises(InvalidValue, match="openmind_hub") as caught:
        from_xinference("LLM", LLM | {"model_specs": [elsewhere]})
    assert caught.value.param == "model_specs[0].model_hub"


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidValue):
        from_xinference("LLM", ["no"])
    with pytest.raises(InvalidValue, match="LLM|llm"):
        from_xinference("world", LLM)


# --- our own form ---

OURS: dict[str, Any] = {
    "name": "mine",
    "kind": "llm",
    "abilities": ["chat"],
    "specs": [
        {
            "format": "ggufv2",
            "size": "1.5",
            "quantizations": ["Q4_0", "Q8_0"],
            "file": "mine-{quantization}.gguf",
            "repositories": [{"hub": "huggingface", "id": "me/mine"}],
        }
    ],
}


def test_our_own_form_is_taken_too() -> None:
    family = family_from_json(OURS)
    assert family.specs[0].quantizations == ("Q4_0", "Q8_0")
    assert family_from("LLM", OURS) == family
    assert family_from("LLM", LLM) == from_xinference("LLM", LLM)
    with pytest.raises(InvalidValue, match="kind is 'llm'") as caught:
        family_from("image", OURS)
    assert caught.value.param == "kind"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"kind": "poem"}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"specs": [{}]}, "specs[0].format"),
        ({"context_length": 0}, "context_length"),
        ({"abilities": ["tools"]}, "abilities"),
        ({"kind": "embedding"}, "dimensions"),
    ],
)
def test_a_wrong_field_of_ours_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        family_from_json(OURS | change)
    assert caught.value.param == field
    assert caught.value.status == 400


def test_people_can_read_what_is_wrong() -> None:
    for change, words in (
        ({"name": "no spaces"}, "name: takes at most 100 letters, digits and . _ + -"),
        ({"colour": "red"}, "colour: there is no such field."),
        ({"specs": []}, "specs: is empty."),
        ({"specs": [OURS["specs"][0] | {"size": "big"}]}, "specs[0].size: takes billions"),
    ):
        with pytest.raises(InvalidValue) as caught:
            family_from_json(OURS | change)
        assert str(caught.value).startswith(words)
    # One without a name is still ours.
    with pytest.raises(InvalidValue) as caught:
        family_from("llm", {"kind": "llm", "specs": OURS["specs"]})
    assert str(caught.value) == "name: is needed."


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": ""}, "size"),
        ({"size": "big"}, "size"),
        ({"file": ""}, "file"),
        ({"file": "same.gguf"}, "file"),
        ({"format": "pytorch", "quantizations": ["none"]}, "file"),
        ({"format": "gguf"}, "format"),
        ({"parts": {"Q2_K": ["a.gguf"]}}, "parts"),
        ({"quantizations": ["Q4_0", "q4_0"]}, "quantizations"),
        ({"repositories": []}, "repositories"),
        ({"repositories": [{"hub": "huggingface", "id": "mine"}]}, "repositories[0].id"),
        ({"repositories": [{"hub": "path", "id": "mine"}]}, "repositories[0].id"),
        ({"repositories": [{"hub": "uri", "id": "mine"}]}, "repositories[0].id"),
        ({"repositories": [{"hub": "disk", "id": "mine"}]}, "repositories[0].hub"),
        (
            {"repositories": [{"hub": "huggingface", "id": "a/b", "quantizations": ["Q2_K"]}]},
            "repositories[0].quantizations",
        ),
        ({"format": "awq", "file": ""}, "repositories[0].id"),
    ],
)
def test_a_wrong_field_of_a_spec_is_named_by_its_place(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        family_from_json(OURS | {"specs": [OURS["specs"][0] | change]})
    assert caught.value.param == f"specs[0].{field}"


# --- to Xinference's form and back ---


def facts(family: Family) -> set[tuple[Any, ...]]:
    """What a launch could get from a family."""
    return {
        (
            spec.format,
            spec.size,
            spec.active,
            quantization,
            repository.hub,
            filled(repository.id, quantization),
            repository.revision,
            files_of(spec, quantization) if spec.format == "ggufv2" else (),
            spec.projectors,
        )
        for spec, quantization in choices(family)
        for repository in spec.repositories
        if not repository.quantizations or quantization in repository.quantizations
    }


@pytest.mark.parametrize(
    "file", sorted(OWN.glob("*/*.json")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_each_family_comes_back_from_xinferences_form(file: Path) -> None:
    family = library().find(file.stem, file.parent.name)
    shown = json.loads(json.dumps(to_xinference(family)))
    assert shown["model_name"] == family.name
    assert shown["is_builtin"] is True
    assert shown["model_specs"]
    back = from_xinference(type_of(family.kind), shown, Library(OWN / "nowhere"))
    assert facts(back) == facts(family)
    for field in (
        "name", "kind", "abilities", "context_length", "dimensions", "stop", "stop_token_ids",
        "reasoning_tags", "tool_parser", "chat_template", "architectures", "packages",
        "description", "defaults",
    ):  # fmt: skip
        assert getattr(back, field) == getattr(family, field), field
    assert set(back.languages) == set(family.languages)


def test_the_keys_of_a_language_model() -> None:
    shown = to_xinference(library().find("qwen3", "llm"))
    assert {
        "version", "model_name", "context_length", "model_lang", "model_ability",
        "model_description", "model_family", "model_specs", "chat_template", "stop_token_ids",
        "stop", "architectures", "reasoning_start_tag", "reasoning_end_tag", "tool_parser",
        "virtualenv", "is_builtin", "download_hubs",
    } <= set(shown)  # fmt: skip
    first = shown["model_specs"][0]
    assert first["model_size_in_billions"] == "0_6"
    assert first["model_id"] == "Qwen/Qwen3-0.6B"
    assert "cache_status" not in first
    hubs = {entry["model_hub"] for entry in shown["model_specs"]}
    assert hubs == {"huggingface", "modelscope"}


def test_a_detailed_list_has_each_quantization_once_and_what_is_cached() -> None:
    family = library().find("qwen3", "llm")
    shown = to_xinference(
        family, every_hub=False, cached=lambda choice: choice.quantization == "Q8_0"
    )
    assert len(shown["model_specs"]) == len(choices(family))
    assert {entry["quantization"] for entry in shown["model_specs"] if entry["cache_status"]} == {
        "Q8_0"
    }


def test_kinds_in_both_spellings() -> None:
    assert kind_of("LLM") == "llm"
    assert kind_of("embedding") == "embedding"
    assert type_of("llm") == "LLM"
    assert type_of("image") == "image"
    with pytest.raises(InvalidValue) as caught:
        kind_of("poem")
    assert "rerank" in caught.value.data["allowed"]
