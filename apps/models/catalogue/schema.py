"""The form of a family in the catalogue and of a registration: data that needs no code.

One JSON file a family, ``families/<kind>/<name>.json``. Everything that an engine can read from a
model's own files (template, stop tokens, context length) is only here when the files are wrong or
silent about it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Kind = Literal["llm", "embedding", "rerank", "image", "audio", "video", "flexible"]
Format = Literal["pytorch", "ggufv2", "mlx", "awq", "gptq", "fp8", "fp4", "bnb"]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"
SIZE = r"^([0-9]{1,4}(\.[0-9]{1,3})?)?$"
Name = Annotated[str, Meta(pattern=NAME)]
#: billions of parameters as their makers write them: "0.5", "7", "235"
Size = Annotated[str, Meta(pattern=SIZE)]


class Repository(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a spec's files are. ``{quantization}`` in a name stands for the one that is chosen."""

    hub: Literal["huggingface", "modelscope", "path", "uri"]
    id: Annotated[str, Meta(min_length=1, max_length=500)]
    #: branch, tag or commit; empty: the hub's main branch
    revision: str = ""
    #: those that are in this repository, where a hub has fewer than the spec; empty: all
    quantizations: tuple[str, ...] = ()


class Shape(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the model's ``config.json`` says about its layers: enough to estimate the memory of a
    model whose files nobody has fetched yet."""

    layers: Annotated[int, Meta(ge=1)]
    hidden: Annotated[int, Meta(ge=1)]
    heads: Annotated[int, Meta(ge=1)]
    vocabulary: Annotated[int, Meta(ge=1)]
    intermediate: Annotated[int, Meta(ge=1)]
    #: of keys and values; none: as many as ``heads``
    kv_heads: Annotated[int, Meta(ge=1)] | None = None
    #: none: hidden / heads
    head_dim: Annotated[int, Meta(ge=1)] | None = None
    experts: Annotated[int, Meta(ge=1)] | None = None
    experts_per_token: Annotated[int, Meta(ge=1)] | None = None
    #: every how many layers one keeps a cache of the whole context, the others being linear;
    #: none: each of them
    attention_every: Annotated[int, Meta(ge=1)] | None = None


class Companion(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Another model that works together with a spec's, fetched only when a launch asks for it."""

    #: draft: guesses ahead of a language model · controlnet · lightning: LoRA for few steps ·
    #: vae and text_encoder: parts that the repository lacks
    role: Literal["draft", "controlnet", "lightning", "vae", "text_encoder"]
    repositories: Annotated[tuple[Repository, ...], Meta(min_length=1)]
    #: by which a request or a launch picks it ("canny")
    name: str = ""
    #: versions or quantizations; ``{version}`` in ``file`` and ids stands for the one chosen
    versions: tuple[str, ...] = ()
    #: one file of the repository; empty: all
    file: str = ""


class Spec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One size in one format, with its quantizations.

    Of an image or video model, a spec in ``ggufv2`` is its transformer only: the rest of the
    pipeline comes from the family's first ``pytorch`` spec.
    """

    format: Format
    repositories: Annotated[tuple[Repository, ...], Meta(min_length=1)]
    size: Size = ""
    #: of a mixture of experts: parameters that work on one token
    active: Size = ""
    quantizations: Annotated[tuple[str, ...], Meta(min_length=1)] = ("none",)
    #: GGUF: name of the file, with ``{quantization}``
    file: str = ""
    #: GGUF in several parts: quantization → file names, the first is opened; the quantizations
    #: that are not here are in one ``file``
    parts: dict[str, tuple[str, ...]] = {}
    #: GGUF: files of the vision or audio projector, the first is the default
    projectors: tuple[str, ...] = ()
    #: a shorter context than the family's
    context_length: Annotated[int, Meta(ge=1)] | None = None
    #: patterns of the files that are needed, where a repository has others besides; empty: all
    files: tuple[str, ...] = ()
    shape: Shape | None = None
    #: quantization → bytes of its weights, where known
    weights: dict[str, int] = {}
    companions: tuple[Companion, ...] = ()


class Family(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    name: Name
    kind: Kind
    specs: Annotated[tuple[Spec, ...], Meta(min_length=1)]
    description: Annotated[str, Meta(max_length=4000)] = ""
    #: the catalogue's family that a registration is a variant of
    base: str = ""
    #: llm: chat, generate, vision, audio, video, tools, reasoning, hybrid, …; image: text2image,
    #: image2image, inpainting, ocr, …; audio: audio2text, text2audio, …
    abilities: tuple[str, ...] = ()
    #: tokens; of an embedding or rerank model: the longest input
    context_length: Annotated[int, Meta(ge=1)] | None = None
    #: of an embedding
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    languages: tuple[str, ...] = ()
    licence: str = ""
    homepage: str = ""
    #: Jinja; empty: the one in the model's files
    chat_template: str = ""
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    #: the tags around what a reasoning model thinks: ("<think>", "</think>")
    reasoning_tags: tuple[str, str] | None = None
    #: names of parsers in the engines that have such
    reasoning_parser: str = ""
    tool_parser: str = ""
    #: the maker's class or family of architectures: "Qwen3ForCausalLM", "stable_diffusion",
    #: "whisper"; of a reranker how it scores: "normal", "LLM-based"
    architectures: tuple[str, ...] = ()
    #: what a request gets that says nothing else, by the route's own names (steps, sizes)
    defaults: dict[str, Any] = {}
    #: engine → its options, by its own names; what a launch says goes before them
    engine_options: dict[str, dict[str, Any]] = {}
    #: extra packages that its code needs, by engine; under "*" those for each engine
    packages: dict[str, tuple[str, ...]] = {}
    #: code of its repository has to run
    remote_code: bool = False
