"""What sentence-transformers writes beside a model: its pooling, its longest text, its vector."""

from __future__ import annotations

from typing import Any

from apps.models.facts.repository import Files


def read_sentence(files: Files, shape: dict[str, Any]) -> dict[str, Any]:
    """context_length, dimensions and pooling of an embedding model."""
    found: dict[str, Any] = {"dimensions": shape.get("hidden")}
    longest = files.object("sentence_bert_config.json").get("max_seq_length")
    if not isinstance(longest, int):
        longest = _longest(files, shape)
    if longest is not None:
        found["context_length"] = longest
    modules = files.json("modules.json")
    for module in modules if isinstance(modules, list) else []:
        if not isinstance(module, dict):
            continue
        path, kind = str(module.get("path") or ""), str(module.get("type") or "")
        own = files.object(f"{path}/config.json" if path else "config.json")
        if kind.endswith("Pooling"):
            found["pooling"] = _pooling(own)
            width = own.get("word_embedding_dimension") or own.get("embedding_dimension")
            found["dimensions"] = width if isinstance(width, int) else found["dimensions"]
        elif kind.endswith("Dense") and isinstance(own.get("out_features"), int):
            found["dimensions"] = own["out_features"]
    return found


def transformer_folder(files: Files) -> str:
    """Where the first module lies; older versions of the library gave it a folder."""
    modules = files.json("modules.json")
    first = modules[0] if isinstance(modules, list) and modules else None
    path = first.get("path") if isinstance(first, dict) else ""
    return path if isinstance(path, str) else ""


def _longest(files: Files, shape: dict[str, Any]) -> int | None:
    """As sentence-transformers takes it: the smaller of tokenizer's and model's."""
    said = files.object("tokenizer_config.json").get("model_max_length")
    own = shape.get("context_length")
    # The library writes "very large" for "not said".
    if isinstance(said, int) and 0 < said < 10**7:
        return min(said, own) if isinstance(own, int) else said
    return own if isinstance(own, int) else None


def _pooling(own: dict[str, Any]) -> str:
    said = own.get("pooling_mode")
    if isinstance(said, str):
        return said
    for name, value in own.items():
        if value is True and name.startswith("pooling_mode_"):
            word = name.removeprefix("pooling_mode_").removesuffix("_tokens")
            return {"cls_token": "cls", "lasttoken": "last", "mean_sqrt_len": "mean"}.get(
                word, word
            )
    return ""
