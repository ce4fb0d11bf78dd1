"""The life of a job in the llama.cpp engine, from its ``Submit`` to its last ``Delta``.

All methods but the constructors run in the wire's thread, so nothing here needs a lock. A job
ends exactly once: in ``done``, in a fault, or aborted; what still comes from llama.cpp for it
after that is dropped.
"""

from __future__ import annotations

import array
import base64
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from .gguf_header import GgufHeader
from .llama_answers import (
    EmbeddingAnswer,
    PiecesAnswer,
    PromptAnswer,
    TextAnswer,
    encode,
    fault_of,
)
from .llama_requests import cannot, inputs_of, messages_of, refuse, template_body, tools_body
from .llama_wire import Exchange
from .protocol import Delta, Fault, Submit, Usage


@dataclass(frozen=True)
class Model:
    """What the jobs need to know of the loaded model."""

    kind: str
    header: GgufHeader
    context_length: int
    defaults: dict[str, float | int]
    vocabulary: int | None
    has_template: bool
    #: an answer is just text behind the rendered prompt: no reasoning, no wrapping
    plain_template: bool
    tools: bool
    vision: bool
    infill: bool


class Host(Protocol):
    """The engine, as its jobs see it."""

    model: Model
    steps: int
    out: list[Delta]

    def send(self, exchange: Exchange) -> None: ...
    def enqueue(self, part: Part) -> None: ...
    def part_ended(self, part: Part) -> None: ...
    def drop(self, exchange: Exchange) -> None: ...
    def forget(self, rid: str) -> None: ...
    def lora_body(self, adapter: str) -> dict[str, Any]: ...


class Job:
    """Base: asking, ending, aborting."""

    def __init__(self, host: Host, submit: Submit) -> None:
        self.host = host
        self.submit = submit
        self.rid = submit.rid
        self.ended = False
        self.asking: Exchange | None = None
        self.parts: list[Part] = []
        self.unfinished = 0

    def start(self) -> None:
        raise NotImplementedError

    def ask(
        self, path: str, body: dict[str, Any], then: Callable[[bytes], None], param: str
    ) -> None:
        """A quick question that needs no slot; a refusal ends the job."""

        def answered(status: int, answer: bytes) -> None:
            self.asking = None
            if self.ended:
                return
            if status == 200:
                then(answer)
                return
            fault = fault_of(status, answer, param)
            if fault.code == "engine":
                # What a chat template or the parser of tools raises is called a server error by
                # llama.cpp, but it is the request that must change.
                fault = Fault("invalid", fault.message, param)
            self.fail(fault)

        self.asking = Exchange(path, encode(body), answered, self.lost)
        self.host.send(self.asking)

    def lost(self, reason: str) -> None:
        self.fail(Fault("engine", reason, retryable=True))

    def fail(self, fault: Fault) -> None:
        self.finish(Delta(self.rid, fault=fault))

    def finish(self, delta: Delta) -> None:
        if self.ended:
            return
        self.ended = True
        self.host.out.append(delta)
        self.host.forget(self.rid)
        if self.asking is not None:
            self.host.drop(self.asking)
            self.asking = None
        for part in self.parts:
            part.stop()

    def abort(self) -> None:
        self.finish(Delta(self.rid, finish="abort", done=True))


class Part:
    """One of the requests to llama.cpp that a job consists of; it needs a slot."""

    def __init__(self, job: Job, index: int, path: str, body: dict[str, Any]) -> None:
        self.job = job
        self.index = index
        self.path = path
        self.body = encode(body)
        self.exchange: Exchange | None = None
        #: waiting → running → over
        self.state = "waiting"

    def open(self) -> None:
        self.state = "running"
        self.exchange = Exchange(self.path, self.body, self.answered, self.lost, self.event)
        self.job.host.send(self.exchange)

    def event(self, payload: bytes) -> None:
        raise NotImplementedError

    def answered(self, status: int, answer: bytes) -> None:
        self.over()
        self.job.fail(fault_of(status, answer, None))

    def lost(self, reason: str) -> None:
        self.over()
        self.job.lost(reason)

    def over(self) -> None:
        """The slot is free again."""
        if self.state == "running":
            if self.exchange is not None:
                self.exchange.settle()
            self.state = "over"
            self.job.host.part_ended(self)
        self.state = "over"

    def stop(self) -> None:
        """Close the connection unless all has come; llama.cpp then frees the slot."""
        if self.state == "running" and self.exchange is not None:
            self.job.host.drop(self.exchange)
        self.over()


# --- the other kinds -------------------------------------------------------------------------

#: Texts in one request to llama.cpp: an abort takes effect between them, and others get a turn.
EMBEDDING_BATCH = 64


class Embedding(Job):
    def __init__(self, host: Host, submit: Submit) -> None:
        super().__init__(host, submit)
        if host.model.kind != "embedding":
            raise cannot("this model was launched for generation, not for embeddings", "model")
        self.inputs = inputs_of(submit.payload)
        self.dimensions = submit.payload.get("dimensions")
        width = host.model.header.embedding_length
        if self.dimensions is not None:
            if type(self.dimensions) is not int or self.dimensions < 1:
                raise refuse("dimensions must be a positive number", "dimensions")
            if width is not None and self.dimensions > width:
                raise refuse(f"dimensions: this model has only {width}", "dimensions")
        self.vectors: dict[int, bytes] = {}
        self.tokens = 0

    def start(self) -> None:
        for number, first in enumerate(range(0, len(self.inputs), EMBEDDING_BATCH)):
            body = {
                "input": self.inputs[first : first + EMBEDDING_BATCH],
                "encoding_format": "base64",
            }
            self.parts.append(EmbeddingPart(self, number, "/v1/embeddings", body))
        self.unfinished = len(self.parts)
        for part in self.parts:
            self.host.enqueue(part)

    def part_done(self, index: int, answer: EmbeddingAnswer) -> None:
        rows = sorted(answer.data, key=lambda row: row.index)
        self.vectors[index] = b"".join(self._row(base64.b64decode(row.embedding)) for row in rows)
        self.tokens += answer.usage.prompt_tokens
        self.unfinished -= 1
        if self.unfinished:
            self.host.steps += 1
            return
        vectors = b"".join(self.vectors[number] for number in sorted(self.vectors))
        dimensions = len(vectors) // 4 // len(self.inputs)
        result = {"vectors": vectors, "dimensions": dimensions}
        self.finish(Delta(self.rid, done=True, usage=Usage(self.tokens, 0), result=result))

    def _row(self, row: bytes) -> bytes:
        if self.dimensions is None or self.dimensions * 4 >= len(row):
            return row
        values = array.array("f", row[: self.dimensions * 4])
        if sys.byteorder == "big":
            values.byteswap()
        norm = math.sqrt(math.fsum(value * value for value in values)) or 1.0
        values = array.array("f", [value / norm for value in values])
        if sys.byteorder == "big":
            values.byteswap()
        return values.tobytes()


class EmbeddingPart(Part):
    job: Embedding

    def answered(self, status: int, answer: bytes) -> None:
        self.over()
        if status == 200:
            self.job.part_done(self.index, msgspec.json.decode(answer, type=EmbeddingAnswer))
        else:
            self.job.fail(fault_of(status, answer, "input"))


class Tokenize(Job):
    """The tokens a prompt would have: with what the model puts in front, and special tokens
    recognised in the text."""

    def __init__(self, host: Host, submit: Submit) -> None:
        super().__init__(host, submit)
        self.text = submit.payload.get("text")
        self.chat: dict[str, Any] | None = None
        if self.text is None and submit.payload.get("messages") is not None:
            if not host.model.has_template:
                raise cannot("this model has no chat template", "messages")
            messages = messages_of(submit.payload, vision=False)
            tools = tools_body(submit.payload, supported=host.model.tools)
            self.chat = template_body(submit.payload, messages) | tools
        elif not isinstance(self.text, str):
            raise refuse("text must be a text", "text")

    def start(self) -> None:
        if self.chat is not None:
            self.ask("/apply-template", self.chat, self._rendered, "messages")
        else:
            self._tokenize()

    def _rendered(self, answer: bytes) -> None:
        self.text = msgspec.json.decode(answer, type=PromptAnswer).prompt
        self._tokenize()

    def _tokenize(self) -> None:
        flags = {"add_special": True, "parse_special": True, "with_pieces": True}
        self.ask("/tokenize", {"content": self.text, **flags}, self._tokens, "text")

    def _tokens(self, answer: bytes) -> None:
        pieces = msgspec.json.decode(answer, type=PiecesAnswer).tokens
        texts = [
            item.piece
            if isinstance(item.piece, str)
            else bytes(item.piece).decode("utf-8", "replace")
            for item in pieces
        ]
        result = {"tokens": [item.id for item in pieces], "texts": texts}
        self.finish(Delta(self.rid, done=True, usage=Usage(len(pieces), 0), result=result))


class Detokenize(Job):
    def __init__(self, host: Host, submit: Submit) -> None:
        super().__init__(host, submit)
        tokens = submit.payload.get("tokens")
        if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
            raise refuse("tokens must be a list of token ids", "tokens")
        vocabulary = host.model.vocabulary
        for token in tokens:
            if token < 0 or (vocabulary is not None and token >= vocabulary):
                # llama.cpp would end the whole process over it.
                raise refuse(f"there is no token {token}", "tokens")
        self.tokens = tokens

    def start(self) -> None:
        self.ask("/detokenize", {"tokens": self.tokens}, self._text, "tokens")

    def _text(self, answer: bytes) -> None:
        text = msgspec.json.decode(answer, type=TextAnswer).content
        self.finish(Delta(self.rid, done=True, result={"text": text}))
