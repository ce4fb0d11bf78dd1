"""What streams and whole answers share: the jobs behind one request, and how they fail."""

from __future__ import annotations

from collections.abc import Mapping

from xplatform.core.errors import PlatformError, RequestAborted, from_fault
from xplatform.engines.protocol import Delta, Usage

from .answers import CachedTokens, TokenUsage


class Total:
    """Usage over the jobs of a request; one job that does not tell makes the sum unknown."""

    def __init__(self) -> None:
        self.prompt = self.completion = self.cached = 0
        self.known = True

    def add(self, usage: Usage | None) -> None:
        if usage is None:
            self.known = False
        else:
            self.prompt += usage.prompt_tokens
            self.completion += usage.completion_tokens
            self.cached += usage.cached_tokens

    def total(self) -> TokenUsage | None:
        if not self.known:
            return None
        return TokenUsage(
            self.prompt,
            self.completion,
            self.prompt + self.completion,
            CachedTokens(self.cached),
        )


class Jobs:
    """Which jobs of the request still run, and where the choices of each begin."""

    def __init__(self, rid: str, bases: Mapping[str, int] | None) -> None:
        self.bases = dict(bases) if bases is not None else {rid: 0}
        self.open = set(self.bases)
        self.usage = Total()

    def ended(self, delta: Delta) -> bool:
        """Note the end of a job; true when it was the last."""
        if delta.rid in self.open:
            self.open.remove(delta.rid)
            self.usage.add(delta.usage)
        return not self.open


def failure(delta: Delta, engine: str) -> PlatformError | None:
    if delta.fault is not None:
        return from_fault(delta.fault, engine)
    return RequestAborted() if delta.finish == "abort" else None
