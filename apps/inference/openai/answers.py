"""The bodies of OpenAI's answers: one Struct a body.

What is not generated token by token is encoded from these; the streams in ``encode.py`` write
the same shapes by hand, and the tests hold both together. ``UNSET`` leaves a key out, ``None``
writes null, each as OpenAI does in that place.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType


class CachedTokens(Struct):
    cached_tokens: int


class TokenUsage(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedTokens


class EmbeddingUsage(Struct):
    prompt_tokens: int
    total_tokens: int


# --- logprobs --------------------------------------------------------------------------------


class TopLogprob(Struct):
    token: str
    logprob: float
    bytes: list[int]


class TokenLogprobItem(Struct):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopLogprob]


class ChatLogprobs(Struct):
    content: list[TokenLogprobItem] | None
    refusal: None = None


class CompletionLogprobs(Struct):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


# --- chat ------------------------------------------------------------------------------------


class AnsweredFunction(Struct):
    name: str
    arguments: str


class AnsweredToolCall(Struct):
    id: str
    type: Literal["function"]
    function: AnsweredFunction


class AnsweredMessage(Struct):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[AnsweredToolCall] | UnsetType = UNSET


FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class ChatChoice(Struct):
    index: int
    message: AnsweredMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatCompletion(Struct):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage | None
    system_fingerprint: str | None = None


class FunctionPiece(Struct):
    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class ToolCallPiece(Struct):
    index: int
    function: FunctionPiece
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET


class MessagePiece(Struct):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCallPiece] | UnsetType = UNSET


class ChatChunkChoice(Struct):
    index: int
    delta: MessagePiece
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class ChatCompletionChunk(Struct):
    """One event of a stream. The last one but ``[DONE]`` has no choices and the usage, if
    ``stream_options.include_usage`` asked for it; the others then carry ``"usage": null``."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChatChunkChoice]
    system_fingerprint: str | None = None
    usage: TokenUsage | UnsetType | None = UNSET


# --- completions -----------------------------------------------------------------------------


class CompletionChoice(Struct):
    index: int
    text: str
    logprobs: CompletionLogprobs | None
    #: null in a stream until the choice ends
    finish_reason: FinishReason | None


class Completion(Struct):
    """The whole answer, and also one event of a stream."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: TokenUsage | UnsetType | None = UNSET
    system_fingerprint: str | None = None


# --- embeddings, tokens, models --------------------------------------------------------------


class Embedding(Struct):
    object: Literal["embedding"]
    index: int
    embedding: Annotated[
        list[float] | str,
        Meta(description="Numbers, or with base64 the little-endian float32 bytes of them."),
    ]


class EmbeddingList(Struct):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage | None


class Tokens(Struct):
    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None


class Detokenized(Struct):
    prompt: str


class Model(Struct):
    """A model: OpenAI's four fields, ours, and behind them those that Xinference's clients read."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    engine: str
    #: stopped, starting, loading, ready, failed
    state: str
    #: of an adapter: the model that it lies on
    parent: str | None
    #: LLM, embedding, …
    model_type: str
    #: how long its last start took; null: it has not been started yet
    start_seconds: float | None
    context_length: int | None
    #: what it can do; empty: not known before it has been ready
    abilities: list[str]
    #: fields of a request that are honoured
    parameters: list[str]


class ModelList(Struct):
    object: Literal["list"]
    data: list[Model]


class ErrorReason(Struct):
    """What the message says, for other languages: their sentence is found by the code."""

    code: str
    params: dict[str, Any]


class ErrorObject(Struct):
    message: str
    type: str
    param: str | None
    code: str
    retry_after: float | UnsetType = UNSET
    reason: ErrorReason | UnsetType = UNSET


class ErrorBody(Struct):
    error: ErrorObject
    detail: Annotated[str, Meta(description="The message again, for Xinference's client.")]


class RequestProgress(Struct):
    """Answer of ``GET /v1/requests/{rid}/progress``."""

    #: 0 to 1: tokens of those that were asked for
    progress: float
    state: Literal["queued", "running", "done"]
    #: in the waiting line, from 1; 0: it is not waiting
    position: int
    model: str
    #: how the start of its model goes
    message: str


class AbortOrder(Struct):
    #: seconds for which a request of that name is refused that comes only now; 30 unless told
    block_duration: Annotated[float, Meta(ge=0)] | None = None


class Aborted(Struct):
    msg: Literal["DONE", "NOT_FOUND"]


class Status(Struct):
    """Of the probes and of ``/status``."""

    status: str
    detail: dict[str, Any] | UnsetType = UNSET
