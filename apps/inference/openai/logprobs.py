"""The probabilities of tokens, in the two forms that OpenAI has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from xplatform.engines.protocol import TokenLogprob

from .answers import CompletionLogprobs, TokenLogprobItem, TopLogprob

#: what OpenAI writes for a token that is not among the likely ones; JSON has no infinity
UNLIKELY: Final = -9999.0


def chat(tokens: Iterable[TokenLogprob]) -> list[TokenLogprobItem]:
    return [
        TokenLogprobItem(
            item.token,
            _finite(item.logprob),
            _bytes(item.token, item.bytes_),
            [
                TopLogprob(token, _finite(value), _bytes(token, raw))
                for token, value, raw in item.top
            ],
        )
        for item in tokens
    ]


def legacy(tokens: Sequence[TokenLogprob], offset: int) -> tuple[CompletionLogprobs, int]:
    """``offset`` is where the first token begins in the text; the end comes back with it.

    The first token of an echoed prompt follows nothing, so it has no probability: engines send
    NaN for it, OpenAI's form has null.
    """
    offsets = []
    for item in tokens:
        offsets.append(offset)
        offset += len(item.token)
    top = [
        {token: _finite(value) for token, value, _ in item.top} if item.top else None
        for item in tokens
    ]
    probs = CompletionLogprobs(
        tokens=[item.token for item in tokens],
        token_logprobs=[
            None if math.isnan(item.logprob) else _finite(item.logprob) for item in tokens
        ],
        top_logprobs=top if any(top) else None,
        text_offset=offsets,
    )
    return probs, offset


def _finite(value: float) -> float:
    return value if math.isfinite(value) else UNLIKELY


def _bytes(token: str, raw: bytes) -> list[int]:
    return list(raw or token.encode("utf-8", "replace"))
