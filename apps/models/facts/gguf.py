"""Facts of a GGUF file: all of them stand in its header."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, Final

from apps.models.facts import template
from apps.models.facts.facts import Facts
from apps.models.facts.quantization import bits_per_weight, gguf_quantization
from apps.models.facts.repository import Files
from xplatform.core.errors import InvalidValue, MissingField
from xplatform.engines.gguf_header import GgufHeader, fetch_header

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_PROJECTOR = re.compile(r"(^|[/._-])mmproj", re.IGNORECASE)
_POOLING: Final = {1: "mean", 2: "cls", 3: "last", 4: "rank"}
_ENCODERS: Final = frozenset(
    "bert eurobert gemma-embedding jina-bert-v2 jina-bert-v3 llama-embed modern-bert neo-bert"
    " nomic-bert nomic-bert-moe".split()
)
_IMAGE: Final = frozenset(
    "flux sd1 sd2 sdxl sd3 lumina2 hidream qwen_image aura cosmos chroma z_image".split()
)
_VIDEO: Final = frozenset("wan hyvid ltxv".split())

#: Every how many layers one keeps all tokens, for architectures whose headers do not say it.
_WINDOW_PATTERN: Final = {
    "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gemma-embedding": 6, "cohere2": 4, "gpt-oss": 2,
    "exaone4": 4, "llama4": 4, "olmo2": 4, "smallthinker": 4, "afmoe": 4,
}  # fmt: skip


def read_gguf(files: Files, entry: str) -> Facts:
    """``entry``: the file, of several parts any. Raises InvalidValue for what is no model."""
    parts = parts_of(files, entry)
    headers = [_header(files, part) for part in parts]
    first = headers[0]
    weight_bytes = sum(files.sizes[part] for part in parts)
    parameters = sum(header.parameters for header in headers)
    return describe(first, files, parts, parameters, weight_bytes)


def parts_of(files: Files, entry: str) -> list[str]:
    match = _PART.search(entry)
    if match is None:
        if entry not in files:
            raise InvalidValue(f"{files.name} has no file {entry!r}.", param="source")
        return [entry]
    stem, count = entry[: match.start()], int(match[2])
    parts = [f"{stem}-{number:05}-of-{match[2]}.gguf" for number in range(1, count + 1)]
    lacking = [part for part in parts if part not in files]
    if lacking:
        raise InvalidValue(
            f"{entry} is one of {count} parts, and {lacking[0]} is not there.", param="source"
        )
    return parts


def keep_only(files: Files, path: str) -> str:
    """Of a folder forget all but this file with its other parts, and the projector that it would
    be launched with. The file to open; empty: it is no GGUF."""
    part = _PART.search(path)
    stem, count = (path[: part.start()], part[2]) if part else (path, "")

    def of_it(other: str) -> bool:
        match = _PART.search(other)
        return match is not None and (other[: match.start()], match[2]) == (stem, count)

    kept = {path, _projector(files, path)}
    files.sizes = {
        other: size for other, size in files.sizes.items() if other in kept or of_it(other)
    }
    return path if PurePosixPath(path).suffix.lower() == ".gguf" else ""


def models_in(files: Files) -> dict[str, str]:
    """Quantization → file to open, of all models in a repository (projectors are none)."""
    found: dict[str, str] = {}
    for path in files.named(".gguf"):
        part = _PART.search(path)
        if _PROJECTOR.search(path) or (part is not None and int(part[1]) != 1):
            continue
        bare = path[: part.start()] + ".gguf" if part else path
        name = gguf_quantization(bare, None) or PurePosixPath(path).stem
        found.setdefault(name, path)
    return found


def choose(files: Files, quantization: str) -> str:
    """The file of a quantization. Raises MissingField, InvalidValue with what there is."""
    found = models_in(files)
    if not found:
        raise InvalidValue(f"{files.name} has no GGUF model.", param="source")
    if quantization:
        wanted = quantization.upper()
        for name, path in found.items():
            if name.upper() == wanted or PurePosixPath(path).name.upper() == wanted:
                return path
        raise InvalidValue(
            f"`quantization` {quantization[:50]!r}: {files.name} has {', '.join(sorted(found))}.",
            param="quantization",
            data={"choices": sorted(found)},
        )
    if len(found) > 1:
        raise MissingField(
            f"{files.name} has several models; `quantization` says which: "
            f"{', '.join(sorted(found))}.",
            param="quantization",
            data={"fields": ["quantization"], "choices": sorted(found)},
        )
    return next(iter(found.values()))


def _header(files: Files, path: str) -> GgufHeader:
    def fetch(start: int, length: int) -> bytes:
        return files.repository.read(path, start, length)

    try:
        return fetch_header(fetch, files.sizes[path], PurePosixPath(path).name)
    except ValueError as error:
        raise InvalidValue(f"Cannot read {error}.", param="source") from None


def describe(
    header: GgufHeader, files: Files, parts: list[str], parameters: int, weight_bytes: int
) -> Facts:
    arch = header.architecture
    keys = _Keys(header)
    said_type = header.metadata.get("general.type", "model")
    if arch == "clip" or said_type in ("mmproj", "adapter"):
        what = "a LoRA adapter" if said_type == "adapter" else "a projector for images and sound"
        raise InvalidValue(f"{parts[0]} is {what}, no model of its own.", param="source")
    pooling = _POOLING.get(header.pooling_type or 0, "")
    kind = _kind(arch, pooling, keys)
    text = header.chat_template or ""
    projector = _projector(files, parts[0]) if kind == "llm" else ""
    file_type = keys.number("general.file_type", plain=True)
    quantization = gguf_quantization(_PART.sub(".gguf", parts[0]), file_type)
    bits = weight_bytes * 8 / parameters if parameters else None
    shape = _shape(arch, keys)
    eos = keys.number("tokenizer.ggml.eos_token_id", plain=True)
    missing = [] if kind else ["kind"]
    if header.context_length is None and kind not in ("image", "video"):
        missing.append("context_length")
    return Facts(
        name=header.name or files.name,
        kind=kind,
        family=arch,
        format="ggufv2",
        quantization=quantization,
        bits=round(bits, 2) if bits else bits_per_weight("ggufv2", quantization),
        dtype="float16",
        parameters=parameters or None,
        weight_bytes=weight_bytes,
        largest_file=max(files.sizes[part] for part in parts),
        context_length=header.context_length,
        hidden=header.embedding_length,
        intermediate=keys.largest("feed_forward_length"),
        vocabulary=header.vocabulary_size,
        experts=keys.number("expert_count") or None,
        active_experts=keys.number("expert_used_count") or None,
        dimensions=_dimensions(keys, header) if kind == "embedding" else None,
        pooling=pooling,
        template_source=f"{PurePosixPath(parts[0]).name}: tokenizer.chat_template" if text else "",
        stop_token_ids=(eos,) if eos is not None else (),
        abilities=_abilities(kind, text, projector),
        entry=parts[0],
        files=tuple(parts) + ((projector,) if projector else ()),
        projector=projector,
        projector_bytes=files.sizes.get(projector, 0),
        missing=tuple(missing),
        **shape,
    )


class _Keys:
    """The header's values under its architecture, by the types they should have."""

    def __init__(self, header: GgufHeader) -> None:
        self.metadata = header.metadata
        self.arch = header.architecture

    def get(self, name: str, plain: bool = False) -> Any:
        return self.metadata.get(name if plain else f"{self.arch}.{name}")

    def number(self, name: str, plain: bool = False) -> int | None:
        value = self.get(name, plain)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def per_layer(self, name: str, layers: int) -> list[int]:
        """One number for all layers, or a list of one each."""
        value = self.get(name)
        if isinstance(value, list) and all(isinstance(item, int) for item in value):
            return [int(item) for item in value[:layers]]
        number = self.number(name)
        return [number] * layers if number is not None else []

    def largest(self, name: str) -> int | None:
        value = self.get(name)
        if isinstance(value, list):
            return max((item for item in value if isinstance(item, int)), default=None)
        return self.number(name)


def _kind(arch: str, pooling: str, keys: _Keys) -> str:
    if arch in _IMAGE:
        return "image"
    if arch in _VIDEO:
        return "video"
    if pooling == "rank":
        return "rerank"
    if pooling or arch in _ENCODERS or keys.get("attention.causal") is False:
        return "embedding"
    return "" if arch in ("unknown", "t5encoder", "wavtokenizer-dec") else "llm"


def _dimensions(keys: _Keys, header: GgufHeader) -> int | None:
    return keys.number("embedding_length_out") or header.embedding_length


def _abilities(kind: str, text: str, projector: str) -> tuple[str, ...]:
    if kind == "llm":
        return template.abilities(text, parts=("vision",) if projector else ())
    return {"embedding": ("embed",), "rerank": ("rerank",)}.get(kind, ())


def _projector(files: Files, entry: str) -> str:
    """The best one for this model: in its folder, half precision before the rest."""
    folder = str(PurePosixPath(entry).parent)
    found = [path for path in files.named(".gguf") if _PROJECTOR.search(path)]
    found = [path for path in found if str(PurePosixPath(path).parent) in (folder, ".")]
    ranked = sorted(found, key=lambda path: ("f16" not in path.lower(), "bf16" in path.lower()))
    return ranked[0] if ranked else ""


def _shape(arch: str, keys: _Keys) -> dict[str, Any]:
    """Layers, heads, and what a token leaves in the cache, as llama.cpp lays it out."""
    layers = keys.number("block_count")
    hidden = keys.number("embedding_length")
    heads = keys.largest("attention.head_count")
    if not layers or not heads:
        return {"layers": layers, "heads": heads}
    kv = keys.per_layer("attention.head_count_kv", layers) or [heads] * layers
    key = keys.number("attention.key_length") or (hidden or 0) // heads
    value = keys.number("attention.value_length") or (hidden or 0) // heads
    latent = keys.number("attention.key_length_mla") is not None
    width = key if latent else key + value  # latent: values are a view of the keys
    key_window = keys.number("attention.key_length_swa") or key
    value_window = keys.number("attention.value_length_swa") or value
    window = keys.number("attention.sliding_window") or None
    kept = _kept(arch, keys, layers, window)
    cache = sum(count * width for count, keeps in zip(kv, kept, strict=False) if keeps == "all")
    windowed = sum(
        count * (key_window + value_window)
        for count, keeps in zip(kv, kept, strict=False)
        if keeps == "window"
    )
    encoder = arch in _ENCODERS
    return {
        "layers": layers,
        "heads": heads,
        "kv_heads": max(kv, default=None),
        "head_dim": key,
        "cache_values": 0 if encoder else cache,
        "window_values": 0 if encoder else windowed,
        "state_values": _state(keys, kv, kept),
        "sliding_window": window,
    }


def _kept(arch: str, keys: _Keys, layers: int, window: int | None) -> list[str]:
    """Of each layer what its cache keeps: all, window or nothing (its own, in "state")."""
    kept = _own_kept(arch, keys, layers, window)
    shared = keys.number("attention.shared_kv_layers") or 0
    # The last layers look into the caches of those before.
    return kept[: layers - shared] + ["nothing"] * min(shared, layers)


def _own_kept(arch: str, keys: _Keys, layers: int, window: int | None) -> list[str]:
    interval = keys.number("full_attention_interval")
    if interval:
        return ["all" if (layer + 1) % interval == 0 else "state" for layer in range(layers)]
    if not window:
        return ["all"] * layers
    pattern = keys.get("attention.sliding_window_pattern")
    if isinstance(pattern, list) and len(pattern) >= layers:
        return ["window" if slides else "all" for slides in pattern[:layers]]
    every = pattern if isinstance(pattern, int) and not isinstance(pattern, bool) else None
    every = every or _WINDOW_PATTERN.get(arch)
    if not every:
        return ["all"] * layers
    return ["all" if (layer + 1) % every == 0 else "window" for layer in range(layers)]


def _state(keys: _Keys, kv: list[int], kept: list[str]) -> int:
    inner = keys.number("ssm.inner_size")
    state = keys.number("ssm.state_size")
    if not inner or not state:
        return 0
    kernel = keys.number("ssm.conv_kernel") or 4
    groups = keys.number("ssm.group_count") or 0
    count = kept.count("state") or sum(1 for heads in kv if heads == 0) or len(kept)
    return count * ((kernel - 1) * (inner + 2 * groups * state) + state * inner)
