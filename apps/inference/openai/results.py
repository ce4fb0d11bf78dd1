"""Bodies of the answers that come in one piece: embeddings, tokens, models."""

from __future__ import annotations

import array
import base64
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from xplatform.core.errors import EngineFailed
from xplatform.engines.protocol import Usage

from .answers import Detokenized, EmbeddingUsage, Tokens

_encode: Final = msgspec.json.Encoder().encode


def embedding_answer(
    result: Mapping[str, Any],
    model: str,
    *,
    usage: Usage | None,
    encoding_format: str | None = None,
    inputs: int | None = None,
) -> bytes:
    """``result`` is what the engine sent for an embedding job: rows of float32. With ``inputs``
    the number of rows is checked, so a caller never gets vectors for other texts than its own.
    """
    vectors, width = result.get("vectors"), result.get("dimensions")
    if not isinstance(vectors, bytes) or not isinstance(width, int) or width < 1:
        raise EngineFailed("The engine answered an embedding request without vectors.")
    row = 4 * width
    if len(vectors) % row or (inputs is not None and len(vectors) != inputs * row):
        raise EngineFailed(
            f"The engine answered with {len(vectors)} bytes of vectors, which are not"
            f" {'whole' if inputs is None else inputs} rows of {width} numbers."
        )
    numbers = array.array("f")
    numbers.frombytes(vectors)
    if sys.byteorder == "big":
        numbers.byteswap()
    # float32 summed up in float64 cannot overflow, so one test finds any NaN or infinity
    if not math.isfinite(sum(numbers)):
        raise EngineFailed("The engine answered with vectors that are not finite numbers.")
    data = []
    for place in range(len(vectors) // row):
        shape: Any
        if encoding_format == "base64":
            shape = base64.b64encode(vectors[place * row : (place + 1) * row]).decode("ascii")
        else:
            shape = numbers[place * width : (place + 1) * width].tolist()
        data.append({"object": "embedding", "index": place, "embedding": shape})
    spent = None
    if usage is not None:
        spent = EmbeddingUsage(usage.prompt_tokens, usage.prompt_tokens)
    return _encode({"object": "list", "data": data, "model": model, "usage": spent})


def tokenize_answer(
    result: Mapping[str, Any],
    *,
    context_length: int | None = None,
    texts: bool = False,
) -> bytes:
    tokens = result.get("tokens")
    if not isinstance(tokens, list | tuple):
        raise EngineFailed("The engine answered a tokenize request without tokens.")
    strings = result.get("texts")
    if texts and (not isinstance(strings, list | tuple) or len(strings) != len(tokens)):
        raise EngineFailed("The engine did not tell the texts of the tokens.")
    return _encode(
        Tokens(
            count=len(tokens),
            max_model_len=context_length,
            tokens=list(tokens),
            token_strs=list(strings) if texts and strings is not None else None,
        )
    )


def detokenize_answer(result: Mapping[str, Any]) -> bytes:
    text = result.get("text")
    if not isinstance(text, str):
        raise EngineFailed("The engine answered a detokenize request without text.")
    return _encode(Detokenized(text))


def model_answer(model: Mapping[str, Any]) -> bytes:
    """``model`` needs ``id`` and ``created``; further keys follow OpenAI's four as they are."""
    return _encode(_model(model))


def models_answer(models: Iterable[Mapping[str, Any]]) -> bytes:
    return _encode({"object": "list", "data": [_model(model) for model in models]})


def _model(model: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": model["id"],
        "object": "model",
        "created": model["created"],
        "owned_by": model.get("owned_by") or "xplatform",
    } | {key: value for key, value in model.items() if key not in _MODEL_KEYS}


_MODEL_KEYS: Final = frozenset({"id", "object", "created", "owned_by"})
