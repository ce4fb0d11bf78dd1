"""What llama.cpp answers: the shapes we read of it, and its errors as faults."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from .protocol import Fault, TokenLogprob, ToolCallDelta


class _Answer(msgspec.Struct, gc=False):
    """Only what is used is decoded; the rest of the JSON is passed over."""


class Alternative(_Answer):
    token: str = ""
    #: null when it is minus infinity
    logprob: float | None = None
    bytes: list[int] | None = None


class Chosen(Alternative):
    top_logprobs: list[Alternative] = []


class Error(_Answer):
    message: str = ""
    type: str = ""
    code: int | str = 0
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class ErrorAnswer(_Answer):
    error: Error


class NativeChunk(_Answer):
    """An event of ``/completion`` and ``/infill``; the last one has ``stop``."""

    content: str = ""
    tokens: tuple[int, ...] = ()
    stop: bool = False
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    completion_probabilities: list[Chosen] | None = None
    stop_type: str = ""
    cached: int = msgspec.field(default=0, name="timings/cache_n")
    error: Error | None = None


#: what the last event shall have; without it llama.cpp repeats the prompt and all settings
NATIVE_FIELDS: Final = [
    "content",
    "tokens",
    "stop",
    "stop_type",
    "tokens_predicted",
    "tokens_evaluated",
    "timings/cache_n",
]


class _Function(_Answer):
    name: str | None = None
    arguments: str = ""


class _ToolCall(_Answer):
    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class ChatDelta(_Answer):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _ChatLogprobs(_Answer):
    content: list[Chosen] | None = None


class ChatChoice(_Answer):
    delta: ChatDelta
    finish_reason: str | None = None
    logprobs: _ChatLogprobs | None = None


class _PromptDetails(_Answer):
    cached_tokens: int = 0


class ChatUsage(_Answer):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails = msgspec.field(default_factory=_PromptDetails)


class ChatChunk(_Answer):
    """An event of ``/v1/chat/completions``; the last one has ``usage``."""

    choices: list[ChatChoice] = []
    usage: ChatUsage | None = None
    error: Error | None = None


class Vector(_Answer):
    embedding: str
    index: int = 0


class EmbeddingAnswer(_Answer):
    data: list[Vector]
    usage: ChatUsage = msgspec.field(default_factory=ChatUsage)


class Piece(_Answer):
    id: int
    #: a list of bytes where they are no whole UTF-8
    piece: str | list[int] = ""


class PiecesAnswer(_Answer):
    tokens: list[Piece]


class TokensAnswer(_Answer):
    tokens: list[int]


class TextAnswer(_Answer):
    content: str


class PromptAnswer(_Answer):
    prompt: str


native_chunk = msgspec.json.Decoder(NativeChunk)
chat_chunk = msgspec.json.Decoder(ChatChunk)
encode = msgspec.json.Encoder().encode

_LEAST = -9999.0


def logprobs_of(chosen: list[Chosen], top: int) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            item.token,
            _LEAST if item.logprob is None else item.logprob,
            bytes(item.bytes or ()),
            tuple(
                (other.token, _LEAST if other.logprob is None else other.logprob, _raw(other))
                for other in item.top_logprobs[:top]
            ),
        )
        for item in chosen
    )


def _raw(item: Alternative) -> bytes:
    return bytes(item.bytes or ())


def tool_calls_of(calls: list[_ToolCall]) -> tuple[ToolCallDelta, ...]:
    return tuple(
        ToolCallDelta(
            call.index, call.id or None, call.function.name or None, call.function.arguments
        )
        for call in calls
    )


# --- errors ----------------------------------------------------------------------------------

_EMBEDDING_TOO_LONG: Final = re.compile(
    r"input \((\d+) tokens\) is (?:too large to process|larger than the max context size).*?(\d+)"
)
_FIELD: Final = re.compile(r"Field '(\w+)'")
#: our names for llama.cpp's where they differ
_NAMES: Final = {
    "repeat_penalty": "repetition_penalty",
    "n_predict": "max_tokens",
    "n_probs": "logprobs",
}


def fault_of(status: int, body: bytes, param: str | None) -> Fault:
    """The fault behind an answer that is not 200."""
    try:
        error = msgspec.json.decode(body, type=ErrorAnswer).error
    except msgspec.DecodeError:
        text = body[:300].decode("utf-8", "replace")
        return Fault("engine", f"llama.cpp answered {status}: {text}", retryable=True)
    return fault_of_error(error, param)


def fault_of_error(error: Error, param: str | None) -> Fault:
    """``param`` is what is most likely wrong when llama.cpp calls the request invalid."""
    message = error.message
    if error.type == "exceed_context_size_error":
        tokens, limit = error.n_prompt_tokens or 0, error.n_ctx or 0
        return too_long(tokens, limit, param)
    match = _EMBEDDING_TOO_LONG.search(message)
    if match:
        return too_long(int(match[1]), int(match[2]), param)
    if error.type == "invalid_request_error":
        field = _FIELD.search(message)
        name = _NAMES.get(field[1], field[1]) if field else param
        if "grammar" in message:
            name = "grammar"
        return Fault("invalid", f"llama.cpp: {message}", name)
    if error.type == "not_supported_error":
        return Fault("unsupported", f"engine llama.cpp: {message}", param)
    return Fault("engine", f"llama.cpp: {message}", retryable=True)


def too_long(tokens: int, limit: int, param: str | None) -> Fault:
    return Fault(
        "too_long",
        f"the input has {tokens} tokens, but the context of a request is {limit} tokens",
        param,
        {"tokens": tokens, "limit": limit},
    )
