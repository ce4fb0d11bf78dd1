"""Deltas in, server-sent events out.

The hot path is ``feed`` with plain text: everything around the text is prebuilt for each choice,
so a chunk costs one string encode and one concatenation. ``feed`` takes whatever the hub merged;
what it returns may hold several events, or none.

A stream ends in one of two ways: the last chunks and ``data: [DONE]``, or one event with an
``error`` object and no ``[DONE]`` (the published clients raise at it). After that ``done`` is
true and nothing more comes out. An error ends all jobs of the request for the client; whoever
feeds aborts those that still run (``Stream.open_jobs``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from xplatform.core.errors import PlatformError, error_object
from xplatform.engines.protocol import Delta, ToolCallDelta

from . import logprobs
from .answers import ChatLogprobs
from .jobs import Jobs, failure

#: a comment: keeps proxies from closing a silent connection, and clients skip it
KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"

_encode: Final = msgspec.json.Encoder().encode


def error_event(error: PlatformError) -> bytes:
    """The last event of a stream that cannot go on."""
    return b"data: " + _encode({"error": error_object(error), "detail": error.message}) + b"\n\n"


class Stream:
    """What both streams share: the prebuilt bytes and the end.

    ``bases`` maps the jobs of the request to their first choices (``choice_bases``); without it
    there is one job, called ``rid``. ``engine`` is named in errors.
    """

    _object: str
    _id: str

    def __init__(
        self,
        rid: str,
        model: str,
        *,
        created: int | None = None,
        include_usage: bool = False,
        engine: str = "",
        bases: Mapping[str, int] | None = None,
    ) -> None:
        self.done = False
        #: why the stream ended early
        self.error: PlatformError | None = None
        self._engine = engine
        self._include_usage = include_usage
        self._jobs = Jobs(rid, bases)
        self._single = rid if bases is None else None
        head = {
            "id": self._id + rid,
            "object": self._object,
            "created": int(time.time()) if created is None else created,
            "model": model,
            "system_fingerprint": None,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
        self._plain_tail = b'},"logprobs":null,"finish_reason":null}' + self._tail
        #: by choice: what stands before the text of a plain chunk, while the choice is open
        self._plain: dict[int, bytes] = {}
        self._finished: set[int] = set()

    def feed(self, delta: Delta) -> bytes:
        raise NotImplementedError

    def fail(self, error: PlatformError) -> bytes:
        """End the stream with an error of our own."""
        if self.done:
            return b""
        self.done, self.error = True, error
        return error_event(error)

    @property
    def open_jobs(self) -> frozenset[str]:
        return frozenset(self._jobs.open)

    def _choice(self, delta: Delta) -> int:
        return self._jobs.bases[delta.rid] + delta.index

    def _end(self, delta: Delta) -> bytes:
        """The end of a job, and with the last one that of the stream."""
        if not self._jobs.ended(delta):
            return b""
        self.done = True
        out = b""
        # an engine that forgot to say why a choice ended must not leave clients guessing
        for choice in sorted(self._plain):
            out += self._finish(choice, self._default_finish(choice))
        usage = self._jobs.usage.total()
        if self._include_usage and usage is not None:
            out += self._head + b'],"usage":' + _encode(usage) + b"}\n\n"
        return out + DONE

    def _finish(self, choice: int, reason: str) -> bytes:
        raise NotImplementedError

    def _default_finish(self, choice: int) -> str:
        return "stop"


class ChatStream(Stream):
    """``chat.completion.chunk`` events: the role first, then text as it comes."""

    _object = "chat.completion.chunk"
    _id = "chatcmpl-"

    def __init__(
        self,
        rid: str,
        model: str,
        *,
        created: int | None = None,
        include_usage: bool = False,
        engine: str = "",
        bases: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(
            rid, model, created=created, include_usage=include_usage, engine=engine, bases=bases
        )
        self._called: set[int] = set()

    def feed(self, delta: Delta) -> bytes:
        if (
            delta.text
            and not delta.done
            and delta.finish is None
            and not delta.reasoning
            and not delta.tool_calls
            and not delta.logprobs
            and delta.fault is None
        ):
            before = self._plain.get(
                delta.index if delta.rid == self._single else self._choice(delta)
            )
            if before is not None and not self.done:
                return before + _encode(delta.text) + self._plain_tail
        return self._feed_any(delta)

    def _feed_any(self, delta: Delta) -> bytes:
        if self.done:
            return b""
        error = failure(delta, self._engine)
        if error is not None:
            return self.fail(error)
        choice = self._choice(delta)
        out = b""
        has_content = delta.text or delta.reasoning or delta.tool_calls or delta.logprobs
        if choice not in self._finished:
            if choice not in self._plain and (has_content or delta.finish or delta.done):
                out = self._open(choice)
            if has_content:
                out += self._content(choice, delta)
            if delta.finish is not None:
                out += self._finish(choice, delta.finish)
        if delta.done:
            out += self._end(delta)
        return out

    def _open(self, choice: int) -> bytes:
        index = b'{"index":%d,"delta":{' % choice
        self._plain[choice] = self._head + index + b'"content":'
        return self._head + index + b'"role":"assistant","content":""' + self._plain_tail

    def _content(self, choice: int, delta: Delta) -> bytes:
        piece: dict[str, Any] = {}
        if delta.reasoning:
            piece["reasoning_content"] = delta.reasoning
        if delta.text or not (delta.reasoning or delta.tool_calls):
            piece["content"] = delta.text
        if delta.tool_calls:
            self._called.add(choice)
            piece["tool_calls"] = [_call_piece(call) for call in delta.tool_calls]
        probs = ChatLogprobs(logprobs.chat(delta.logprobs)) if delta.logprobs else None
        body = {"index": choice, "delta": piece, "logprobs": probs, "finish_reason": None}
        return self._head + _encode(body) + self._tail

    def _finish(self, choice: int, reason: str) -> bytes:
        self._finished.add(choice)
        self._plain.pop(choice, None)
        body = {"index": choice, "delta": {}, "logprobs": None, "finish_reason": reason}
        return self._head + _encode(body) + self._tail

    def _default_finish(self, choice: int) -> str:
        return "tool_calls" if choice in self._called else "stop"


def _call_piece(call: ToolCallDelta) -> dict[str, Any]:
    """``id``, ``type`` and ``name`` come once, with the first piece of an index."""
    piece: dict[str, Any] = {"index": call.index}
    if call.id is not None:
        piece["id"] = call.id
        piece["type"] = "function"
    function: dict[str, Any] = {}
    if call.name is not None:
        function["name"] = call.name
    function["arguments"] = call.arguments
    piece["function"] = function
    return piece


class CompletionStream(Stream):
    """``text_completion`` events."""

    _object = "text_completion"
    _id = "cmpl-"

    def __init__(
        self,
        rid: str,
        model: str,
        *,
        created: int | None = None,
        include_usage: bool = False,
        engine: str = "",
        bases: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(
            rid, model, created=created, include_usage=include_usage, engine=engine, bases=bases
        )
        self._plain_tail = b',"logprobs":null,"finish_reason":null}' + self._tail
        self._offsets: dict[int, int] = {}

    def feed(self, delta: Delta) -> bytes:
        if self.done:
            return b""
        error = failure(delta, self._engine)
        if error is not None:
            return self.fail(error)
        choice = delta.index if delta.rid == self._single else self._choice(delta)
        # thoughts have no field of their own here: they are part of the text
        text = delta.reasoning + delta.text if delta.reasoning else delta.text
        out = b""
        if choice not in self._finished:
            before = self._plain.get(choice)
            if before is None and (text or delta.logprobs or delta.finish or delta.done):
                before = self._head + b'{"index":%d,"text":' % choice
                self._plain[choice] = before
            if before is None:
                pass  # nothing but a count
            elif delta.logprobs:
                out = before + _encode(text) + b',"logprobs":' + self._logprobs(choice, delta)
                out += b',"finish_reason":null}' + self._tail
            elif text:
                out = before + _encode(text) + self._plain_tail
            if delta.finish is not None:
                out += self._finish(choice, delta.finish)
        if delta.done:
            out += self._end(delta)
        return out

    def _logprobs(self, choice: int, delta: Delta) -> bytes:
        legacy, end = logprobs.legacy(delta.logprobs, self._offsets.get(choice, 0))
        self._offsets[choice] = end
        return _encode(legacy)

    def _finish(self, choice: int, reason: str) -> bytes:
        self._finished.add(choice)
        self._plain.pop(choice, None)
        body = {"index": choice, "text": "", "logprobs": None, "finish_reason": reason}
        return self._head + _encode(body) + self._tail
