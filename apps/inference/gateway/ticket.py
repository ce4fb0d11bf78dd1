"""One request of this web process, from admission to its terminal event."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Iterable

import msgspec

from xplatform.core.errors import PlatformError
from xplatform.engines.protocol import Delta, Submit, Usage


class State(enum.Enum):
    """QUEUED → RUNNING → DONE; RUNNING → QUEUED when an attempt was lost (hub only)."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Ticket:
    """Written by the hub, read by one endpoint through ``take``.

    One slot lies between engine and client: what arrives while the client is slow is merged, so
    memory is bounded by the length of the answer. With ``hold`` (answers that are not streamed)
    nothing is handed over before the end, so an attempt can be lost and repeated unseen.
    """

    __slots__ = (
        "_held", "_pending", "_waiter", "attempt", "count", "deadline", "ended", "error", "hold",
        "key", "model", "opened_at", "order", "patience", "poke_at", "queued_at", "replica", "rid",
        "seen", "shown", "size", "state", "submit", "text", "tokens", "tokens_known", "told",
        "usage",
    )  # fmt: skip

    def __init__(
        self, rid: str, model: str, submit: Submit, deadline: float, *, hold: bool
    ) -> None:
        self.rid = rid
        self.model = model
        self.submit = submit
        #: monotonic
        self.deadline = deadline
        self.hold = hold
        self.attempt = 0
        self.key = ""
        self.state = State.QUEUED
        self.replica: tuple[str, int] | None = None
        #: place in this process's order of publishing
        self.order = 0
        #: bytes of its message
        self.size = 0
        self.opened_at = self.queued_at = time.monotonic()
        #: how long the client can wait for the beginning (monotonic); None: as long as it takes
        self.patience: float | None = None
        #: when the endpoint shall turn once more though there is nothing for it
        self.poke_at = 0.0
        #: last sign of life of this attempt
        self.seen = self.queued_at
        self.error: PlatformError | None = None
        #: the engine has said its last word, and what it counted
        self.ended = False
        self.usage: Usage | None = None
        #: something was handed over (or is about to be) and cannot be taken back
        self.shown = False
        #: text so far, all attempts, for a continuation
        self.text: list[str] = []
        self.tokens: list[int] = []
        self.tokens_known = True
        self.count = 0
        #: tokens that the pulse has heard of
        self.told = 0
        self._held: list[Delta] = []
        self._pending: list[Delta] = []
        self._waiter: asyncio.Future[None] | None = None

    # -- for the hub --------------------------------------------------------------------------

    def next_attempt(self) -> Submit:
        """The message of the next attempt: from the beginning when nothing was shown, else
        right behind what was."""
        self.attempt += 1
        self.key = f"{self.rid}.{self.attempt}"
        self.state = State.QUEUED
        self.replica = None
        self.queued_at = self.seen = time.monotonic()
        if not self.shown:
            self._held.clear()
            self.text.clear()
            self.tokens.clear()
            self.tokens_known, self.count = True, 0
            return msgspec.structs.replace(self.submit, rid=self.key)
        # The caller may have given a beginning of its own, whose token ids nobody knows.
        own = self.submit.prefix
        return msgspec.structs.replace(
            self.submit,
            rid=self.key,
            prefix=own + "".join(self.text),
            prefix_tokens=tuple(self.tokens) if self.tokens_known and not own else (),
            prefix_count=self.submit.prefix_count + self.count,
        )

    @property
    def progress(self) -> int:
        """Tokens that came so far."""
        return sum(delta.count or len(delta.tokens) for delta in self._held) + self.count

    @property
    def continuable(self) -> bool:
        """Can an engine go on from the text alone?"""
        submit = self.submit
        return (
            submit.kind in ("chat", "completion")
            and submit.sampling.n == 1
            and submit.sampling.logprobs is None
            and not submit.payload.get("tools")
            and not submit.payload.get("response_format")
        )

    def deliver(self, delta: Delta) -> None:
        if self.state is State.DONE:
            return
        if delta.done or delta.fault is not None:
            self.state = State.DONE
            self.ended, self.usage = True, delta.usage
        # Attempts are our affair; the encoders know the request by its own name.
        delta = msgspec.structs.replace(delta, rid=self.rid)
        if self.hold:
            self._held.append(delta)
            if self.state is State.DONE:
                self._pending, self._held = self._held, []
                self._notify()
            return
        self.shown = True
        if delta.text:
            self.text.append(delta.text)
        if delta.tokens:
            self.tokens.extend(delta.tokens)
            self.count += len(delta.tokens)
        else:
            if delta.text:
                self.tokens_known = False
            self.count += delta.count
        self._pending.append(delta)
        if self._waiter is not None:
            self._notify()

    def fail(self, error: PlatformError) -> None:
        if self.state is not State.DONE:
            self.state = State.DONE
            self.error = error
            self._notify()

    def poke(self) -> None:
        """Let the endpoint turn once, with nothing in hand (keep-alive)."""
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- for the endpoint ---------------------------------------------------------------------

    async def take(self) -> list[Delta]:
        """What has arrived, merged; an empty list means: nothing yet, the connection may want a
        sign of life. Raises the error that ended the request after all text was taken."""
        if not self._pending and self.error is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._pending:
            deltas, self._pending = self._pending, []
            return deltas if len(deltas) == 1 else merge(deltas)
        if self.error is not None:
            raise self.error
        return []


def merge(deltas: Iterable[Delta]) -> list[Delta]:
    """One delta per choice, in which everything is in order."""
    by_index: dict[int, list[Delta]] = {}
    for delta in deltas:
        by_index.setdefault(delta.index, []).append(delta)
    merged = [_merge_choice(group) for group in by_index.values()]
    # The one that ends the request goes last.
    merged.sort(key=lambda delta: delta.done or delta.fault is not None)
    return merged


def _merge_choice(group: list[Delta]) -> Delta:
    if len(group) == 1:
        return group[0]
    last = group[-1]
    return Delta(
        last.rid,
        last.index,
        "".join([delta.text for delta in group]),
        tuple(token for delta in group for token in delta.tokens),
        "".join([delta.reasoning for delta in group]),
        tuple(call for delta in group for call in delta.tool_calls),
        tuple(logprob for delta in group for logprob in delta.logprobs),
        next((delta.finish for delta in reversed(group) if delta.finish), None),
        any(delta.done for delta in group),
        next((delta.usage for delta in reversed(group) if delta.usage), None),
        next((delta.fault for delta in group if delta.fault), None),
        next((delta.result for delta in group if delta.result), None),
        sum(delta.count for delta in group),
    )
