"""A family of ours → what Xinference answers about a registration, key by key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .choice import Choice, choices, filled
from .schema import Companion, Family, Repository

#: whether the files of a choice are on a node
Cached = Callable[[Choice], bool]


def to_xinference(
    family: Family,
    *,
    built_in: bool = True,
    cached: Cached | None = None,
    every_hub: bool = True,
) -> dict[str, Any]:
    """``every_hub``: as one registration is shown; else each quantization once, as detailed lists
    have it. With ``cached`` each spec says whether it is on a node (``cache_status``)."""
    match family.kind:
        case "llm":
            shown = _llm(family)
        case "embedding":
            shown = _embedding(family)
        case "rerank":
            shown = _rerank(family)
        case "flexible":
            return _flexible(family, built_in, cached is not None)
        case _:
            shown = _media(family)
    entries = [
        _spec(choice, repository) | _cache_status(choice, cached)
        for choice in choices(family)
        for repository in _repositories(choice, every_hub)
    ]
    hubs = [
        repository.hub
        for spec in family.specs
        for repository in spec.repositories
        if repository.hub in ("huggingface", "modelscope")
    ]
    return shown | {
        "is_builtin": built_in,
        "model_specs": entries,
        "download_hubs": list(dict.fromkeys(hubs)) or ["huggingface"],
    }


def size_shown(size: str) -> int | str | None:
    """7 for "7", "0_5" for "0.5": their spelling."""
    if not size:
        return None
    return size.replace(".", "_") if "." in size else int(size)


# --- by kind ---


def _llm(family: Family) -> dict[str, Any]:
    start, end = family.reasoning_tags or (None, None)
    return _named(family) | {
        "context_length": family.context_length,
        "model_lang": list(family.languages),
        "model_ability": list(family.abilities),
        "model_description": family.description,
        "model_family": family.base or family.name,
        "chat_template": family.chat_template or None,
        "stop_token_ids": list(family.stop_token_ids),
        "stop": list(family.stop),
        "architectures": list(family.architectures),
        "reasoning_start_tag": start,
        "reasoning_end_tag": end,
        "tool_parser": family.tool_parser or None,
        "reasoning_parser": family.reasoning_parser or None,
        "cache_config": None,
    }


def _embedding(family: Family) -> dict[str, Any]:
    return _named(family) | {
        "dimensions": family.dimensions,
        "max_tokens": family.context_length,
        "language": list(family.languages),
        "model_ability": [each for each in family.abilities if each != "embed"],
        "model_description": family.description,
        "cache_config": None,
    }


def _rerank(family: Family) -> dict[str, Any]:
    return _named(family) | {
        "type": family.architectures[0] if family.architectures else "unknown",
        "max_tokens": family.context_length,
        "language": list(family.languages),
        "model_ability": [each for each in family.abilities if each != "rerank"],
        "model_description": family.description,
        "cache_config": None,
    }


def _media(family: Family) -> dict[str, Any]:
    main = family.specs[0]
    first = main.repositories[0]
    engine, options = next(iter(family.engine_options.items()), ("", {}))
    gguf = next((spec for spec in family.specs if spec.format == "ggufv2"), None)
    lightning = next((each for each in main.companions if each.role == "lightning"), None)
    controlnets = [each for each in main.companions if each.role == "controlnet"]
    shown = (
        _named(family)
        | _place(first, main.quantizations[0])
        | {
            "model_family": family.architectures[0] if family.architectures else family.name,
            "model_description": family.description,
            "model_ability": list(family.abilities),
            "default_model_config": options,
            "engine": engine if engine not in ("", "*") else None,
            "model_format": main.format,
        }
    )
    if family.kind == "audio":
        return shown | {
            "quantization": main.quantizations[0],
            "multilingual": family.languages == ("multilingual",) or len(family.languages) > 1,
            "language": family.languages[0] if len(family.languages) == 1 else None,
            "model_lang": list(family.languages),
            "default_transcription_config": family.defaults,
        }
    return shown | {
        "default_generate_config": family.defaults,
        "controlnet": [_controlnet(each) for each in controlnets] or None,
        "gguf_model_id": gguf.repositories[0].id if gguf else None,
        "gguf_quantizations": list(gguf.quantizations) if gguf else None,
        "gguf_model_file_name_template": gguf.file if gguf else None,
        "lightning_model_id": lightning.repositories[0].id if lightning else None,
        "lightning_versions": list(lightning.versions) if lightning else None,
        "lightning_model_file_name_template": lightning.file.replace(
            "{version}", "{lightning_version}"
        )
        if lightning
        else None,
    }


def _flexible(family: Family, built_in: bool, with_cache: bool) -> dict[str, Any]:
    spec = family.specs[0]
    options = family.engine_options.get("flexible", {})
    return (
        _named(family)
        | _place(spec.repositories[0], spec.quantizations[0])
        | {
            "model_description": family.description,
            "launcher": options.get("launcher", ""),
            "launcher_args": json.dumps(options.get("launcher_args", {})),
            "is_builtin": built_in,
        }
        | ({"cache_status": True} if with_cache else {})
    )


# --- specs ---


def _spec(choice: Choice, repository: Repository) -> dict[str, Any]:
    spec, quantization = choice
    shown: dict[str, Any] = {
        "model_format": spec.format,
        "quantization": quantization,
        **_place(repository, quantization),
    }
    if spec.size:
        shown["model_size_in_billions"] = size_shown(spec.size)
        shown["activated_size_in_billions"] = size_shown(spec.active)
        draft = next((each for each in spec.companions if each.role == "draft"), None)
        shown |= _draft(draft, repository)
    if spec.format == "ggufv2":
        parts = spec.parts.get(quantization)
        shown |= {
            "model_file_name_template": filled(spec.file, quantization) if spec.file else "",
            # Parts are whole names here, so their template is nothing but the part.
            "model_file_name_split_template": "{part}" if parts else None,
            "quantization_parts": {quantization: list(parts)} if parts else None,
            "multimodal_projectors": list(spec.projectors) or None,
            "multimodal_projector": spec.projectors[0] if spec.projectors else None,
        }
    return shown


def _repositories(choice: Choice, every: bool) -> list[Repository]:
    having = [
        each
        for each in choice.spec.repositories
        if not each.quantizations or choice.quantization in each.quantizations
    ]
    return having if every else having[:1]


def _place(repository: Repository, quantization: str) -> dict[str, Any]:
    id = filled(repository.id, quantization)
    on_a_hub = repository.hub in ("huggingface", "modelscope")
    uri = None if on_a_hub else id
    if repository.hub == "path":
        uri = f"file://{id}"
    return {
        "model_id": id if on_a_hub else None,
        "model_hub": repository.hub if on_a_hub else "huggingface",
        "model_uri": uri,
        "model_revision": filled(repository.revision, quantization) or None,
    }


def _draft(draft: Companion | None, beside: Repository) -> dict[str, Any]:
    found: Repository | None = None
    if draft is not None:
        found = next((each for each in draft.repositories if each.hub == beside.hub), None)
    if draft is None or found is None:
        return dict.fromkeys(
            (
                "draft_model_id",
                "draft_model_file_name_template",
                "draft_quantizations",
                "draft_model_revision",
            )
        )

    def version(text: str) -> str:
        return text.replace("{version}", "{draft_quantization}")

    return {
        "draft_model_id": version(found.id),
        "draft_model_file_name_template": version(draft.file) or None,
        "draft_quantizations": list(draft.versions) or None,
        "draft_model_revision": found.revision or None,
    }


def _controlnet(companion: Companion) -> dict[str, Any]:
    return {
        "model_name": companion.name,
        "model_family": "controlnet",
        **_place(companion.repositories[0], ""),
    }


def _cache_status(choice: Choice, cached: Cached | None) -> dict[str, Any]:
    return {} if cached is None else {"cache_status": cached(choice)}


# --- what all have ---


def _named(family: Family) -> dict[str, Any]:
    packages = [
        requirement if engine == "*" else _marked(requirement, engine)
        for engine, requirements in family.packages.items()
        for requirement in requirements
    ]
    return {
        "version": 2,
        "model_name": family.name,
        "virtualenv": {"packages": packages} if packages else None,
    }


def _marked(requirement: str, engine: str) -> str:
    text, _, rest = requirement.partition(" ; ")
    marker = f'#engine# == "{engine}"'
    return f"{text} ; {marker} and {rest}" if rest else f"{text} ; {marker}"


__all__ = ["Cached", "size_shown", "to_xinference"]
