"""What is known of a model without loading it: the one form that readers fill and all others use.

Engine match, memory estimate and placement read it; nodes send it to the web as a plain mapping.
"""

from __future__ import annotations

from typing import Any

import msgspec

from xplatform.core.errors import InvalidValue, MissingField

#: What a launch cannot do without, with what to say when nobody can read it.
NEEDED = {
    "kind": "what it is for: llm, embedding, rerank, image, audio, video or flexible",
    "format": "what its weights are stored as: pytorch, ggufv2, mlx, awq, gptq, fp8, fp4 or bnb",
    "context_length": "how many tokens it takes",
}


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field that is None (or empty) was not said by the model's files."""

    name: str = ""
    #: llm, embedding, rerank, image, audio, video
    kind: str = ""
    #: the maker's family of architectures, ``model_type`` or a GGUF's architecture: "qwen3"
    family: str = ""
    #: class of the model or of the diffusers pipeline: "Qwen3ForCausalLM"; a GGUF has none
    architecture: str = ""
    #: pytorch, ggufv2, mlx, awq, gptq, fp8, fp4, bnb
    format: str = ""
    #: "none", "Q4_K_M", "Int4", "4bit", "FP8", …
    quantization: str = ""
    #: bits that one weight takes on average, scales included
    bits: float | None = None
    #: what unquantized weights are stored in: float32, float16, bfloat16
    dtype: str = ""
    parameters: int | None = None
    #: of the weights that are loaded, on disk
    weight_bytes: int | None = None
    #: the largest file of those: what has to fit into memory while reading
    largest_file: int | None = None

    # -- shape --------------------------------------------------------------------------------
    context_length: int | None = None
    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    hidden: int | None = None
    intermediate: int | None = None
    vocabulary: int | None = None
    #: values that one token leaves in the cache of all layers that keep every token
    cache_values: int | None = None
    #: … and of those layers that keep the last ``sliding_window`` tokens only
    window_values: int = 0
    #: values that a sequence takes whatever its length (state-space and linear attention)
    state_values: int = 0
    sliding_window: int | None = None
    experts: int | None = None
    active_experts: int | None = None

    # -- use ----------------------------------------------------------------------------------
    #: length of an embedding
    dimensions: int | None = None
    #: mean, cls, last, …
    pooling: str = ""
    #: file that the chat template comes from; empty: there is none
    template_source: str = ""
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    #: as the template and the configuration let guess: chat, tools, reasoning, vision, audio, …
    abilities: tuple[str, ...] = ()
    #: diffusers: parts → library class
    components: dict[str, str] = {}
    #: code that comes with the model has to run
    remote_code: bool = False

    #: the file that the engine is to open (GGUF), relative to the repository or folder
    entry: str = ""
    #: all files that the engine needs (GGUF in parts, with its projector); empty: all
    files: tuple[str, ...] = ()
    #: GGUF: the projector beside it, for images and sound
    projector: str = ""
    projector_bytes: int = 0
    #: names of fields above that are needed and could not be read
    missing: tuple[str, ...] = ()
    #: guessed from the size, nothing was read
    rough: bool = False

    @property
    def size(self) -> str:
        """Billions of parameters as people write them: "0.6", "7", "235"."""
        return billions(self.parameters)

    @property
    def has_chat_template(self) -> bool:
        return bool(self.template_source)

    def given(self, **fields: Any) -> Facts:
        """With what somebody said instead; None and empty values change nothing."""
        known = {name: value for name, value in fields.items() if value not in (None, "")}
        for name in known:
            if name not in self.__struct_fields__:
                raise InvalidValue(f"`{name}` is nothing that is known of a model.", param=name)
        missing = tuple(name for name in self.missing if name not in known)
        return msgspec.structs.replace(self, **known, missing=missing)

    def need(self, *fields: str) -> None:
        """Raise MissingField (400) that asks for what could not be read, each by its name."""
        lacking = [name for name in fields or self.missing if getattr(self, name) in (None, "")]
        if not lacking:
            return
        asked = "; ".join(f"`{name}` ({NEEDED.get(name, 'not in its files')})" for name in lacking)
        raise MissingField(
            f"{self.name or 'The model'} does not say all that a launch needs. Please give: "
            f"{asked}.",
            param=lacking[0],
            data={"fields": lacking},
        )


def billions(parameters: int | None) -> str:
    if not parameters:
        return ""
    size = parameters / 1e9
    text = f"{size:.0f}" if size >= 9.5 else f"{size:.1f}" if size >= 0.095 else f"{size:.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_dict(facts: Facts) -> dict[str, Any]:
    """For messages and JSON, with what is derived."""
    out: dict[str, Any] = msgspec.to_builtins(facts)
    return {**out, "size": facts.size, "has_chat_template": facts.has_chat_template}


def from_dict(data: dict[str, Any]) -> Facts:
    return msgspec.convert(data, Facts)
