"""Deltas in, one body out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from xplatform.core.errors import EngineFailed
from xplatform.engines.protocol import Delta

from . import logprobs
from .answers import (
    AnsweredFunction,
    AnsweredMessage,
    AnsweredToolCall,
    ChatChoice,
    ChatCompletion,
    ChatLogprobs,
    Completion,
    CompletionChoice,
    CompletionLogprobs,
)
from .jobs import Jobs, failure

#: a whole answer is held in memory; more than this (in characters) is a runaway engine
MAX_ANSWER: Final = 64 * 1024 * 1024

_encode: Final = msgspec.json.Encoder().encode


class _Call:
    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []


class _Choice:
    """Pieces of one choice; joined once, at the end."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.calls: dict[int, _Call] = {}
        self.logprobs: list[Any] = []
        self.finish: str | None = None

    def add(self, delta: Delta, chat: bool) -> int:
        """How much was added, in characters or what takes as much memory."""
        size = len(delta.text) + len(delta.reasoning)
        if delta.reasoning:
            (self.reasoning if chat else self.text).append(delta.reasoning)
        if delta.text:
            self.text.append(delta.text)
        for piece in delta.tool_calls if chat else ():
            call = self.calls.setdefault(piece.index, _Call())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments.append(piece.arguments)
            size += 1 + len(piece.arguments)
        for token in delta.logprobs:
            self.logprobs.append(token)
            size += 16 * (1 + len(token.top))
        if delta.finish is not None and self.finish is None:
            self.finish = delta.finish
        return size


class Answer:
    """Takes the deltas of a request, then gives the body.

    ``feed`` tells whether the request is complete; it raises a ``PlatformError`` when the
    engine failed, the request was aborted or the answer outgrew ``MAX_ANSWER``.
    """

    _chat = True

    def __init__(
        self,
        rid: str,
        model: str,
        *,
        created: int | None = None,
        engine: str = "",
        bases: Mapping[str, int] | None = None,
        limit: int = MAX_ANSWER,
    ) -> None:
        self.done = False
        self._rid = rid
        self._model = model
        self._created = int(time.time()) if created is None else created
        self._engine = engine
        self._jobs = Jobs(rid, bases)
        self._choices: dict[int, _Choice] = {}
        self._room = limit

    @property
    def open_jobs(self) -> frozenset[str]:
        return frozenset(self._jobs.open)

    def feed(self, delta: Delta) -> bool:
        error = failure(delta, self._engine)
        if error is not None:
            raise error
        number = self._jobs.bases[delta.rid] + delta.index
        choice = self._choices.get(number) or _Choice()
        if choice.finish is None:
            size = choice.add(delta, self._chat)
            self._room -= size
            if size or delta.finish is not None or delta.done:  # else nothing but a count
                self._choices[number] = choice
            if self._room < 0:
                raise EngineFailed("The answer is larger than this server holds in memory.")
        if delta.done:
            self.done = self._jobs.ended(delta)
        return self.done

    def encode(self) -> bytes:
        """The body, once ``feed`` returned true."""
        raise NotImplementedError


class ChatAnswer(Answer):
    def encode(self) -> bytes:
        choices = [
            ChatChoice(
                number,
                _message(choice),
                ChatLogprobs(logprobs.chat(choice.logprobs)) if choice.logprobs else None,
                choice.finish or ("tool_calls" if choice.calls else "stop"),  # type: ignore[arg-type]
            )
            for number, choice in sorted(self._choices.items())
        ]
        return _encode(
            ChatCompletion(
                "chatcmpl-" + self._rid,
                "chat.completion",
                self._created,
                self._model,
                choices,
                self._jobs.usage.total(),
            )
        )


def _message(choice: _Choice) -> AnsweredMessage:
    text = "".join(choice.text)
    message = AnsweredMessage("assistant", text if text or not choice.calls else None)
    if choice.reasoning:
        message.reasoning_content = "".join(choice.reasoning)
    if choice.calls:
        message.tool_calls = [
            AnsweredToolCall(
                call.id or f"call_{index}",
                "function",
                AnsweredFunction(call.name or "", "".join(call.arguments)),
            )
            for index, call in sorted(choice.calls.items())
        ]
    return message


class CompletionAnswer(Answer):
    #: this form has no fields for thoughts (they are part of the text) and calls
    _chat = False

    def encode(self) -> bytes:
        choices = []
        for number, choice in sorted(self._choices.items()):
            probs: CompletionLogprobs | None = None
            if choice.logprobs:
                probs, _ = logprobs.legacy(choice.logprobs, 0)
            choices.append(
                CompletionChoice(
                    number,
                    "".join(choice.text),
                    probs,
                    choice.finish or "stop",  # type: ignore[arg-type]
                )
            )
        return _encode(
            Completion(
                "cmpl-" + self._rid,
                "text_completion",
                self._created,
                self._model,
                choices,
                self._jobs.usage.total(),
            )
        )
