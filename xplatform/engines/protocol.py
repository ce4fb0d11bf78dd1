"""The messages between a replica worker and its engine process. Version 1.

Framing: four bytes of big-endian length, then one msgpack array whose first element is the tag.
One Unix stream socket; the engine connects to the path it was given, sends ``Hello`` and then
obeys. ``docs/engine-protocol.md`` tells the same as prose, with the order of messages.

Messages are grouped by receiver. Fields are only ever appended, each with a default, so that an
older peer can still read a newer message; a change of meaning raises ``PROTOCOL_VERSION``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

PROTOCOL_VERSION: Final = 1

#: A message larger than this is a bug or an attack, never work.
MAX_MESSAGE_BYTES: Final = 256 * 1024 * 1024


class Message(msgspec.Struct, array_like=True, omit_defaults=False, frozen=True, gc=False):
    """Base of all messages: an array on the wire, immutable in memory."""


# --- values inside messages ------------------------------------------------------------------


class Sampling(Message, frozen=True):
    """How to choose the next token. ``None`` means: the caller said nothing, use the engine's
    (or the model's) default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: dict[int, float] | None = None
    #: number of alternatives per token; None: no logprobs, 0: only the chosen token's
    logprobs: int | None = None
    n: int = 1
    ignore_eos: bool = False


class Usage(Message, frozen=True):
    """As the engine counted them."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


class TokenLogprob(Message, frozen=True):
    token: str
    logprob: float
    #: the token's UTF-8 bytes, which may be part of a character
    bytes_: bytes = b""
    top: tuple[tuple[str, float, bytes], ...] = ()


class ToolCallDelta(Message, frozen=True):
    """A piece of a tool call; ``id`` and ``name`` come once, with the first piece of ``index``."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Fault(Message, frozen=True):
    """Why a request or a load failed.

    code        HTTP meaning (web maps it)
    ----------  -------------------------------------------------------------
    invalid     400, the caller must change the request; ``param`` names it
    too_long    400 context_length_exceeded; ``data`` has ``tokens`` and ``limit``
    unsupported 400, this engine or model cannot do it; ``param`` names it
    overloaded  429
    engine      500/503, the engine failed on this request but lives
    """

    code: str
    message: str
    param: str | None = None
    data: dict[str, Any] | None = None
    retryable: bool = False


class Delta(Message, frozen=True, omit_defaults=True):
    """What one step added to one choice of one request.

    ``finish`` (stop, length, tool_calls, content_filter) ends the choice; ``done`` ends the
    request and carries the usage. ``fault`` ends the request, too. After ``done`` or ``fault``
    nothing more is sent for the rid. An aborted request ends with ``done`` and ``finish`` "abort".
    """

    rid: str
    index: int = 0
    text: str = ""
    #: ids of the tokens behind ``text``, when the engine tells them
    tokens: tuple[int, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: str | None = None
    done: bool = False
    usage: Usage | None = None
    fault: Fault | None = None
    #: the answer of a job that is not generation: embeddings, tokenize, detokenize
    result: dict[str, Any] | None = None
    #: tokens generated in this delta where ``tokens`` is empty (several may be merged into one)
    count: int = 0


class Capabilities(Message, frozen=True):
    """What an engine can do with the model at hand; the web tier refuses the rest by name."""

    #: of: chat, completion, embedding, tokenize, detokenize, tools, json_schema, json_object,
    #: continuation, reasoning, vision, adapters
    abilities: tuple[str, ...] = ()
    #: fields of ``Sampling`` that are honoured, plus: echo, suffix, tools, tool_choice,
    #: parallel_tool_calls, response_format, dimensions, chat_template_kwargs, grammar
    parameters: tuple[str, ...] = ()


# --- to the engine ---------------------------------------------------------------------------


class Adapter(Message, frozen=True):
    """A LoRA on top of the model; jobs name it."""

    name: str
    #: a file or folder, as the engine reads them
    path: str
    scale: float = 1.0


class Load(Message, frozen=True, tag="load"):
    """Load the model. Answered by any number of ``Progress``, then ``Ready`` or ``Failed``."""

    model_path: str
    #: llm or embedding
    kind: str = "llm"
    #: requests that may run at once
    slots: int = 4
    #: tokens of context per request; None: what the model has
    context_length: int | None = None
    #: engine options by the engine's own names, as the user gave them
    options: dict[str, Any] = {}
    adapters: tuple[Adapter, ...] = ()


class Submit(Message, frozen=True, tag="submit"):
    """Start a job. Every submit ends in exactly one ``Delta`` with ``done`` or ``fault``.

    kind        payload
    ----------  ----------------------------------------------------------------------------
    chat        messages (OpenAI's form), tools, tool_choice, parallel_tool_calls,
                response_format, template_kwargs
    completion  prompt (str or list of token ids), suffix, echo
    embedding   inputs (list of str, or of lists of ids), dimensions
                → result {"vectors": bytes float32 little-endian row by row, "dimensions": n}
    tokenize    text, or messages → result {"tokens": [...], "texts": [...]}
    detokenize  tokens → result {"text": ...}
    """

    rid: str
    kind: str
    payload: dict[str, Any]
    sampling: Sampling = Sampling()
    stream: bool = True
    #: text that was already generated (and shown): go on right behind it, do not repeat it.
    #: ``sampling.max_tokens`` still counts from the very beginning, so the engine subtracts
    #: ``prefix_count``; usage counts the whole answer.
    prefix: str = ""
    prefix_tokens: tuple[int, ...] = ()
    prefix_count: int = 0
    #: name of one of the adapters of ``Load`` or ``SetAdapters``; empty: the model itself
    adapter: str = ""


class Abort(Message, frozen=True, tag="abort"):
    """Stop these requests now. Unknown ones are ignored."""

    rids: tuple[str, ...]


class SetAdapters(Message, frozen=True, tag="set_adapters"):
    """These adapters and no others from now on; jobs that run keep theirs. Answered by
    ``Adapters``. Engines with the ability "adapters" understand it."""

    adapters: tuple[Adapter, ...]


class AskStats(Message, frozen=True, tag="ask_stats"):
    """Answered by ``Stats``."""


class Drain(Message, frozen=True, tag="drain"):
    """Take no more; answered by ``Drained`` when the last running request has ended."""


class Shutdown(Message, frozen=True, tag="shutdown"):
    """Free everything and exit with 0."""


# --- to the replica worker -------------------------------------------------------------------


class Hello(Message, frozen=True, tag="hello"):
    """First message of an engine."""

    protocol: int
    engine: str
    engine_version: str
    pid: int


class Progress(Message, frozen=True, tag="progress"):
    """``stage`` is a word, ``fraction`` 0..1 of the whole load, ``message`` for people."""

    stage: str
    fraction: float
    message: str = ""


class Ready(Message, frozen=True, tag="ready"):
    """The model is loaded; ``Submit`` may come."""

    kind: str
    slots: int
    context_length: int
    capabilities: Capabilities
    #: embedding width, model architecture, …: for people and for ``/v1/models``
    details: dict[str, Any] = {}


class Failed(Message, frozen=True, tag="failed"):
    """Loading failed, or the engine cannot go on. The process exits after it."""

    fault: Fault


class Step(Message, frozen=True, tag="step"):
    """The new tokens of ALL requests of one engine step, in one frame."""

    deltas: tuple[Delta, ...]


class Pulse(Message, frozen=True, tag="pulse"):
    """Sent every second from a thread of its own; ``steps`` grows while work goes on, so a
    stalled engine (alive, but no progress with work at hand) can be told from a frozen one."""

    steps: int
    running: int
    waiting: int = 0


class Stats(Message, frozen=True, tag="stats"):
    values: dict[str, float]


class Adapters(Message, frozen=True, tag="adapters"):
    """The adapters that jobs may name now. ``fault``: why they are not those that were asked for;
    with the code "unsupported" only another start of the engine can change them."""

    names: tuple[str, ...]
    fault: Fault | None = None


class Drained(Message, frozen=True, tag="drained"):
    pass


ToEngine = Load | Submit | Abort | SetAdapters | AskStats | Drain | Shutdown
FromEngine = Hello | Progress | Ready | Failed | Step | Pulse | Adapters | Stats | Drained
