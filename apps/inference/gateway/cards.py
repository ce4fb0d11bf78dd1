"""Models as ``/v1/models`` shows them: OpenAI's four fields, and what Xinference's clients read."""

from __future__ import annotations

from typing import Any

from apps.accounts.api import Actor
from apps.inference.gateway.catalog import names
from apps.inference.gateway.fleet import Fleet
from apps.models.api import ServedModel
from xplatform.engines.protocol import Capabilities
from xplatform.engines.registry import engine_class

#: our words for what a model can do → Xinference's, where they differ
_ABILITIES = {"completion": "generate", "embedding": "embed"}
#: routes, not what a model is good for
_PLUMBING = frozenset({"tokenize", "detokenize", "continuation", "json_schema", "json_object"})


def state(model: ServedModel, fleet: Fleet) -> str:
    if fleet.ready(model.uid):
        return "ready"
    return "loading" if fleet.loading(model.uid) else model.state


def cards(model: ServedModel, fleet: Fleet, actor: Actor) -> list[dict[str, Any]]:
    """The model's own, and one for each of its adapters: those that the caller may name."""
    own = card(model, fleet)
    named = (name.removeprefix(model.uid)[1:] for name in names(model, actor))
    return [adapter_card(own, adapter) if adapter else own for adapter in named]


def adapter_card(own: dict[str, Any], name: str) -> dict[str, Any]:
    return own | {"id": f"{own['id']}:{name}", "root": name, "parent": own["id"]}


def capabilities(model: ServedModel, fleet: Fleet) -> Capabilities:
    """What the model's engine says; before any is loaded, what this engine can do at all. Nothing
    where the engine is not known yet: of a registration that was never called."""
    for beat in fleet.ready(model.uid):
        return Capabilities(beat.abilities, beat.parameters)
    if model.parameters:
        return Capabilities(model.abilities, model.parameters)
    if not model.engine:
        return Capabilities()
    return engine_class(model.engine).capabilities.get(model.kind, Capabilities())


def card(model: ServedModel, fleet: Fleet) -> dict[str, Any]:
    ready = fleet.ready(model.uid)
    abilities = list(ready[0].abilities if ready else model.abilities)
    length = ready[0].context_length if ready else model.context_length
    return {
        "id": model.uid,
        "created": model.created,
        "owned_by": "xplatform",
        "root": model.uid,
        "parent": None,
        "engine": model.engine,
        "state": state(model, fleet),
        "replicas": len(ready),
        "start_seconds": model.start_seconds,
        "max_model_len": length,
        "abilities": abilities,
        # What a request may name now, without being refused for it.
        "parameters": list(capabilities(model, fleet).parameters),
        "model_type": "LLM" if model.kind == "llm" else model.kind,
        "model_name": model.family or model.uid,
        "model_family": model.family or model.uid,
        "model_engine": model.engine,
        "model_ability": [
            _ABILITIES.get(word, word) for word in abilities if word not in _PLUMBING
        ],
        "model_format": model.format or None,
        "model_size_in_billions": _size(model.size),
        "quantization": model.quantization or None,
        "context_length": length,
        "replica": max(len(ready), len(model.nodes), 1),
        "address": model.nodes[0] if model.nodes else None,
        "accelerators": list(model.devices),
    } | _details(model)


def _size(size: str) -> int | str | None:
    """7, and "0_5" for half of one: Xinference's spelling."""
    return int(size) if size.isdigit() else size.replace(".", "_") or None


def _details(model: ServedModel) -> dict[str, Any]:
    if model.kind == "embedding":
        return {"dimensions": model.details.get("dimensions")}
    return {}
