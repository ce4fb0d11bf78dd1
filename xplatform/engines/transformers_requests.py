"""What becomes of a submit: its answers, what each step adds to them, and how they end."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from typing import Any

from .base import EngineFault
from .chat_text import AnswerText, Piece
from .protocol import Delta, Fault, Sampling, TokenLogprob, Usage
from .token_choice import Sequence, TokenScore
from .token_text import TokenText
from .transformers_batch import Advance

#: what can be computed at all; narrower limits are the protocols'
_RANGES = {
    "temperature": (0.0, 1e4),
    "top_p": (0.0, 1.0),
    "top_k": (-1, 2**31),
    "min_p": (0.0, 1.0),
    "frequency_penalty": (-1e4, 1e4),
    "presence_penalty": (-1e4, 1e4),
    "repetition_penalty": (1e-4, 1e4),
    "logprobs": (0, 1000),
    "max_tokens": (0, 2**31),
    "n": (1, 1024),
}


def check_sampling(sampling: Sampling, vocabulary: int) -> None:
    """Values that would break a step break it for all who share the batch."""
    for name, (low, high) in _RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not low <= value <= high:
            raise EngineFault(
                "invalid", f"{name} must be from {low} to {high}, not {value}", param=name
            )
    if sampling.logit_bias:
        checked_ids(list(sampling.logit_bias), "logit_bias", vocabulary)
        if not all(-1e6 <= bias <= 1e6 for bias in sampling.logit_bias.values()):
            raise EngineFault("invalid", "a bias is out of range", param="logit_bias")


def checked_ids(tokens: Iterable[Any], param: str, vocabulary: int) -> list[int]:
    """A token the model has no row for would end the whole batch."""
    tokens = list(tokens)
    for token in tokens:
        if type(token) is not int or not 0 <= token < vocabulary:
            raise EngineFault(
                "invalid",
                f"{token!r} is no token of this model (0 to {vocabulary - 1})",
                param=param,
            )
    return tokens


@dataclass(slots=True)
class Answer:
    """One choice of a request."""

    index: int
    sequence: Sequence
    text: AnswerText
    #: tokens of the answer, those from before a continuation included
    count: int = 0
    last: int | None = None
    ended: bool = False
    #: scores of ``sequence`` already given out
    scored: int = 0
    #: of a request that is not streamed: what will be sent at the end
    piece: Piece = field(default_factory=Piece)
    tokens: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)


class Generation:
    """A chat or completion in progress. The caller holds a lock around every call."""

    def __init__(
        self,
        rid: str,
        prompt_tokens: int,
        answers: list[Answer],
        tokens: TokenText,
        *,
        stream: bool,
    ) -> None:
        self.rid = rid
        self.answers = answers
        self.over = False
        self._prompt_tokens = prompt_tokens
        self._tokens = tokens
        self._stream = stream

    def advance(self, answer: Answer, step: Advance) -> list[Delta]:
        """The deltas of a step; ``answer.ended`` says whether its sequence is still needed."""
        if self.over or answer.ended:
            return []
        if step.error is not None:
            self.over = True
            return [Delta(self.rid, fault=_step_fault(step.error))]
        shown = step.tokens
        if step.tokens:
            answer.count += len(step.tokens)
            answer.last = step.tokens[-1]
            if answer.last in answer.sequence.end_tokens:
                shown = step.tokens[:-1]
        piece = answer.text.add(shown)
        finish = "stop" if piece.stopped else None
        if step.ended and finish is None:
            finish = "stop" if answer.last in answer.sequence.end_tokens else "length"
        if finish is not None:
            return [self._end(answer, piece, step.tokens, finish)]
        return self._add(answer, piece, step.tokens)

    def end_at_once(self, answer: Answer, finish: str) -> Delta:
        """For an answer that needs no step at all."""
        return self._end(answer, Piece(), [], finish)

    def aborted(self) -> Delta:
        self.over = True
        return Delta(self.rid, finish="abort", done=True, usage=self.usage())

    def usage(self) -> Usage:
        first = self.answers[0].sequence
        cached = len(first.prompt) - first.computed if first.taken else 0
        return Usage(
            self._prompt_tokens,
            sum(answer.count for answer in self.answers),
            max(0, min(cached, self._prompt_tokens)),
        )

    def _add(self, answer: Answer, piece: Piece, tokens: Row[int]) -> list[Delta]:
        logprobs = self._logprobs(answer, len(tokens))
        if not self._stream:
            answer.piece.add(piece)
            answer.tokens += tokens
            answer.logprobs += logprobs
            return []
        # Tokens are told at once, even when their text is held back: whoever continues from them
        # holds back the same text again.
        return [
            Delta(
                self.rid,
                answer.index,
                text=piece.text,
                reasoning=piece.reasoning,
                tool_calls=tuple(piece.tool_calls),
                tokens=tuple(tokens),
                logprobs=tuple(logprobs),
            )
        ]

    def _end(self, answer: Answer, piece: Piece, tokens: Row[int], finish: str) -> Delta:
        piece.add(answer.text.end())
        if piece.stopped:
            finish = "stop"
        if answer.text.called_tools and finish == "stop":
            finish = "tool_calls"
        logprobs = self._logprobs(answer, len(tokens))
        answer.piece.add(piece)
        answer.ended = True
        self.over = all(other.ended for other in self.answers)
        return Delta(
            self.rid,
            answer.index,
            text=answer.piece.text,
            reasoning=answer.piece.reasoning,
            tool_calls=tuple(answer.piece.tool_calls),
            tokens=(*answer.tokens, *tokens),
            logprobs=(*answer.logprobs, *logprobs),
            finish=finish,
            done=self.over,
            usage=self.usage() if self.over else None,
        )

    def _logprobs(self, answer: Answer, count: int) -> list[TokenLogprob]:
        if answer.sequence.wishes.logprobs is None:
            return []
        scores = answer.sequence.scores[answer.scored : answer.scored + count]
        answer.scored += count
        # The end mark is no part of the text, so it has no place among its tokens.
        ends = answer.sequence.end_tokens
        return [self._logprob(score) for score in scores if score.token not in ends]

    def _logprob(self, score: TokenScore) -> TokenLogprob:
        text, raw = self._tokens.token_text, self._tokens.token_bytes
        return TokenLogprob(
            text(score.token),
            score.logprob,
            raw(score.token),
            tuple((text(token), logprob, raw(token)) for token, logprob in score.top),
        )


def _step_fault(error: str) -> Fault:
    if "out of memory" in error.lower():
        return Fault("engine", f"out of memory while generating: {error}", retryable=True)
    return Fault("engine", f"generating failed: {error}", retryable=True)
