"""From tokens to what a client sees: text, reasoning and tool calls, piece by piece.

Tokens go through a chain, each part of which holds back what it cannot decide yet:

    tokens → Detokenizer → StopStrings → Reasoning → ToolCalls → Piece

The chain is a function of the tokens alone, whatever pieces they came in: an answer that is
continued elsewhere is put through it again, unseen, and goes on exactly where it stopped.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .protocol import ToolCallDelta

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
#: A longer run of unknown characters is no character in the making but what the model said.
_LONGEST_RUN = 16


@dataclass(slots=True)
class Piece:
    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallDelta] = field(default_factory=list)
    #: nothing that follows is to be shown: a stop string, or the one tool call that was allowed
    stopped: bool = False

    def add(self, other: Piece) -> None:
        self.text += other.text
        self.reasoning += other.reasoning
        self.tool_calls += other.tool_calls
        self.stopped = self.stopped or other.stopped


class Detokenizer:
    """Text as soon as it is certain: never a part of a character, and in sum the whole decode.

    A token's text depends on its neighbours (spaces between words, characters of several bytes),
    so a few tokens before the new ones are decoded with them.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._fresh = 0  # tokens of the window that are not only context
        self._shown = 0  # characters of the window's text that were given out

    def begin_behind(self, tokens: Sequence[int]) -> None:
        """Take ``tokens`` as shown: they are context for what follows."""
        self._window = list(tokens[-8:])
        self._shown = len(self._decode(self._window))

    def add(self, token: int) -> str:
        self._window.append(token)
        self._fresh += 1
        text = self._decode(self._window)
        if text.endswith(_UNKNOWN):
            run = len(text) - len(text.rstrip(_UNKNOWN))
            certain = len(text) - (run if run <= _LONGEST_RUN else 3)
            piece = text[self._shown : certain]
            self._shown = max(self._shown, certain)
            return piece
        piece = text[self._shown :]
        if piece:
            self._window = self._window[-self._fresh :]
            self._fresh = 0
            self._shown = len(self._decode(self._window))
        return piece

    def end(self) -> str:
        """What is left, be it half a character."""
        text = self._decode(self._window)[self._shown :] if self._window else ""
        self._window, self._fresh, self._shown = [], 0, 0
        return text


def _partial(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of ``text`` that may become one of ``marks``."""
    longest = max((len(mark) for mark in marks), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


class StopStrings:
    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.hit = False

    def add(self, text: str) -> str:
        if not self._stops or self.hit:
            return "" if self.hit else text
        text = self._held + text
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        held = _partial(text, self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def end(self) -> str:
        text, self._held = self._held, ""
        return text


class Reasoning:
    """Splits ``<think>…</think>`` off the beginning of an answer."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self, *, begun: bool) -> None:
        """``begun``: the prompt itself ended with the opening mark."""
        self._state = "inside" if begun else "undecided"
        self._held = ""
        self._skip_space = begun

    def add(self, text: str) -> tuple[str, str]:
        """Returns (reasoning, content)."""
        if self._state == "outside" and not self._skip_space:
            return "", text
        text, self._held = self._held + text, ""
        if self._state == "undecided":
            start = text.lstrip()
            if not start.startswith(self.OPEN):
                if self.OPEN.startswith(start):
                    self._held = text
                    return "", ""
                self._state = "outside"
                return "", text
            self._state, self._skip_space = "inside", True
            text = start[len(self.OPEN) :]
        if self._skip_space:
            text = text.lstrip()
            if not text:
                return "", ""
            self._skip_space = False
        if self._state == "outside":
            return "", text
        place = text.find(self.CLOSE)
        if place >= 0:
            self._state, self._skip_space = "outside", True
            _, content = self.add(text[place + len(self.CLOSE) :])
            return text[:place].rstrip(), content
        held = _partial(text, [self.CLOSE])
        # White space before the closing mark belongs to the mark.
        body = text[: len(text) - held].rstrip()
        self._held = text[len(body) :]
        return body, ""

    def end(self) -> tuple[str, str]:
        text, self._held = self._held, ""
        return (text, "") if self._state == "inside" else ("", text)


class ToolCalls:
    """Takes ``<tool_call>{"name": …, "arguments": …}</tool_call>`` out of an answer.

    A call is given out whole, when its JSON is known to be good; what is no call stays text.
    """

    OPEN, CLOSE = "<tool_call>", "</tool_call>"

    def __init__(self, *, only_one: bool = False) -> None:
        self._only_one = only_one
        self._inside = False
        self._held = ""
        self.count = 0
        self.full = False

    def add(self, text: str) -> tuple[str, list[ToolCallDelta]]:
        text, self._held = self._held + text, ""
        content: list[str] = []
        calls: list[ToolCallDelta] = []
        while text and not self.full:
            if self._inside:
                place = text.find(self.CLOSE)
                if place < 0:
                    self._held = text
                    break
                call = self._call(text[:place])
                if call is None:
                    content.append(self.OPEN + text[:place] + self.CLOSE)
                else:
                    calls.append(call)
                    self.full = self._only_one
                text, self._inside = text[place + len(self.CLOSE) :], False
            else:
                if self.count:
                    text = text.lstrip()  # between calls
                place = text.find(self.OPEN)
                if place < 0:
                    held = _partial(text, [self.OPEN])
                    # Line breaks before the mark belong to the mark.
                    body = text[: len(text) - held].rstrip("\n")
                    self._held = text[len(body) :]
                    content.append(body)
                    break
                content.append(text[:place].rstrip("\n"))
                text, self._inside = text[place + len(self.OPEN) :], True
        return "".join(content), calls

    def end(self) -> tuple[str, list[ToolCallDelta]]:
        text, self._held = self._held, ""
        if self._inside:
            self._inside = False
            # Some models end their turn instead of closing the mark.
            call = self._call(text)
            return ("", [call]) if call is not None else (self.OPEN + text, [])
        return text, []

    def _call(self, text: str) -> ToolCallDelta | None:
        try:
            data = json.loads(text)
        except ValueError:
            return None
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            return None
        arguments = data.get("arguments", data.get("parameters", {}))
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        self.count += 1
        return ToolCallDelta(
            self.count - 1, f"call_{uuid.uuid4().hex[:24]}", data["name"], arguments
        )


class AnswerText:
    """The whole chain for one answer."""

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        stops: Sequence[str] = (),
        *,
        reasoning: Reasoning | None = None,
        tool_calls: ToolCalls | None = None,
    ) -> None:
        self._detokenizer = Detokenizer(decode)
        self._stops = StopStrings(stops)
        self._reasoning = reasoning
        self._tool_calls = tool_calls

    @property
    def called_tools(self) -> bool:
        return self._tool_calls is not None and self._tool_calls.count > 0

    def add(self, tokens: Sequence[int]) -> Piece:
        piece = Piece()
        for token in tokens:
            piece.add(self._through(self._stops.add(self._detokenizer.add(token))))
            if piece.stopped:
                break
        return piece

    def resume(self, shown: str, tokens: Sequence[int]) -> None:
        """Go on behind ``shown``, a text whose real tokens are not known (``tokens`` are a guess,
        good as context). What was shown cannot be the beginning of a stop string any more."""
        self._detokenizer.begin_behind(tokens)
        if self._reasoning is not None:
            _, shown = self._reasoning.add(shown)
        if self._tool_calls is not None:
            self._tool_calls.add(shown)

    def end(self) -> Piece:
        """What was held back, now that nothing follows."""
        piece = self._through(self._stops.add(self._detokenizer.end()))
        if not piece.stopped:
            piece.add(self._through(self._stops.end()))
        if self._reasoning is not None:
            thought, text = self._reasoning.end()
            piece.reasoning += thought
            piece.add(self._content(text))
        if self._tool_calls is not None:
            text, calls = self._tool_calls.end()
            piece.text += text
            piece.tool_calls += calls
        return piece

    def _through(self, text: str) -> Piece:
        if not text:
            return Piece(stopped=self._stops.hit)
        thought = ""
        if self._reasoning is not None:
            thought, text = self._reasoning.add(text)
        piece = self._content(text)
        piece.reasoning = thought
        piece.stopped = piece.stopped or self._stops.hit
        return piece

    def _content(self, text: str) -> Piece:
        if self._tool_calls is None:
            return Piece(text)
        text, calls = self._tool_calls.add(text)
        return Piece(text, tool_calls=calls, stopped=self._tool_calls.full)
