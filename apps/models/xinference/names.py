"""What things are called there and here."""

from __future__ import annotations

from apps.models.catalogue.choice import size_of
from apps.models.catalogue.convert import kind_of, size_shown, type_of
from apps.models.catalogue.schema import Family, Spec
from apps.models.states import LaunchState, ReplicaState
from xplatform.core.errors import NotFound
from xplatform.engines.registry import ENGINES

__all__ = [
    "abilities_of",
    "engine_name",
    "engine_of",
    "kind_of",
    "launch_state",
    "of_version",
    "replica_state",
    "size_of",
    "size_shown",
    "type_of",
    "version_name",
]

#: the names of engines that scripts compare with, by ours
_ENGINES = {
    "llama.cpp": "llama.cpp",
    "transformers": "Transformers",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "mlx": "MLX",
    "lmdeploy": "LMDEPLOY",
    "tensorrt-llm": "TensorRT-LLM",
    "diffusers": "diffusers",
}
#: what else an engine of ours is called there
_OTHER_NAMES = {
    "xllamacpp": "llama.cpp",
    "sentence_transformers": "transformers",
    "sentence-transformers": "transformers",
    "flag": "transformers",
    "trtllm": "tensorrt-llm",
}
#: abilities of an engine that Xinference has another word for
_ABILITIES = {"completion": "generate", "embedding": "embed"}
#: routes, not what a model is good for
_PLUMBING = frozenset({"tokenize", "detokenize", "continuation", "json_schema", "json_object"})

_LAUNCH_STATES = {
    LaunchState.STOPPED: "TERMINATED",
    LaunchState.STARTING: "CREATING",
    LaunchState.READY: "READY",
    LaunchState.FAILED: "ERROR",
}
_REPLICA_STATES = {
    ReplicaState.SCHEDULED: "CREATING",
    ReplicaState.STARTING: "CREATING",
    ReplicaState.LOADING: "LOADING",
    ReplicaState.READY: "READY",
    ReplicaState.DRAINING: "TERMINATING",
    ReplicaState.STOPPED: "TERMINATED",
    ReplicaState.FAILED: "ERROR",
    ReplicaState.LOST: "ERROR",
}


def engine_of(model_engine: str) -> str:
    """Our engine for one of Xinference's names; a name that nobody knows stays as it is, so that
    the check of orders can say what there is."""
    name = model_engine.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in ENGINES else model_engine.strip()


def engine_name(engine: str) -> str:
    return _ENGINES.get(engine, engine)


def abilities_of(kind: str, abilities: tuple[str, ...]) -> list[str]:
    """An engine's or family's abilities in Xinference's words. A chat model can always do both
    there, and without any the handles of its client cannot be chosen."""
    words = [_ABILITIES.get(word, word) for word in abilities if word not in _PLUMBING]
    if not words:
        words = {"llm": ["generate"], "embedding": ["embed"]}.get(kind, [kind])
    return list(dict.fromkeys(words))


def launch_state(state: str) -> str:
    return _LAUNCH_STATES[LaunchState(state)]


def replica_state(state: str) -> str:
    return _REPLICA_STATES[ReplicaState(state)]


# --- versions ------------------------------------------------------------------------------


def version_name(family: Family, spec: Spec, quantization: str) -> str:
    """One size, format and quantization as one text, which Xinference's cache goes by."""
    parts = [family.name]
    if family.kind == "llm":
        parts.append(f"{size_shown(spec.size) or ''}B")
    parts += [spec.format, quantization]
    return "--".join(parts)


def of_version(families: list[Family], version: str) -> tuple[Family, Spec, str]:
    """What a text made by ``version_name`` means. Raises NotFound."""
    name = version.partition("--")[0]
    for family in families:
        if family.name == name:
            for spec in family.specs:
                for quantization in spec.quantizations:
                    if version_name(family, spec, quantization) == version:
                        return family, spec, quantization
    raise NotFound(
        f"There is no model version {version[:200]!r}; `GET /v1/models/LLM/{name[:100]}/versions`"
        " lists those of a model.",
        param="model_version",
    )
