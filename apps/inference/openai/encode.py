"""All that turns what engines say into OpenAI's bytes; the parts stand in the files below."""

from __future__ import annotations

from .results import (
    detokenize_answer,
    embedding_answer,
    model_answer,
    models_answer,
    tokenize_answer,
)
from .streams import DONE, KEEP_ALIVE, ChatStream, CompletionStream, Stream, error_event
from .whole import MAX_ANSWER, Answer, ChatAnswer, CompletionAnswer

__all__ = [
    "DONE",
    "KEEP_ALIVE",
    "MAX_ANSWER",
    "Answer",
    "ChatAnswer",
    "ChatStream",
    "CompletionAnswer",
    "CompletionStream",
    "Stream",
    "detokenize_answer",
    "embedding_answer",
    "error_event",
    "model_answer",
    "models_answer",
    "tokenize_answer",
]
