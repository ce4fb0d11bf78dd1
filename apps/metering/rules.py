"""Which limits a caller falls under. Pure: no database, no Redis, no clock.

A limit says *how much of what* (``kind``), *for whom* (``scope`` and ``subject``, perhaps only
within one project) and *of which models* (a glob). All that apply are checked, and all must hold:
so the narrowest wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, NamedTuple

#: a sliding minute, a calendar day or month in UTC, or what runs at the same time
Span = Literal["minute", "day", "month", "now"]
Unit = Literal["requests", "tokens", "money"]


class Kind(NamedTuple):
    unit: Unit
    span: Span
    #: in a sentence behind the amount
    words: str


KINDS: Final[dict[str, Kind]] = {
    "requests_per_minute": Kind("requests", "minute", "requests per minute"),
    "tokens_per_minute": Kind("tokens", "minute", "tokens per minute"),
    "concurrent_requests": Kind("requests", "now", "requests at the same time"),
    "tokens_per_day": Kind("tokens", "day", "tokens per day"),
    "tokens_per_month": Kind("tokens", "month", "tokens per month"),
    "money_per_day": Kind("money", "day", "per day"),
    "money_per_month": Kind("money", "month", "per month"),
}

#: from wide to narrow; ``everyone`` has no subject
SCOPES: Final = ("everyone", "project", "user", "key")
#: as a subject: each one for itself
EACH: Final = "*"

#: money is counted in whole billionths: no rounding that sums up, and Lua's numbers hold nine
#: million units of them exactly
NANO: Final = 1_000_000_000
MOST_MONEY: Final = 9_000_000
MOST_COUNT: Final = 1 << 52

_MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in the words that limits and usage are kept under."""

    #: id of the API key; of other credentials their kind
    key: str
    #: id of the user as a text; empty: the local operator
    user: str
    project: str

    def subject(self, scope: str) -> str:
        if scope == "key":
            return self.key
        if scope == "user":
            return self.user
        return self.project if scope == "project" else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit, as web processes have it in memory."""

    id: int
    kind: str
    #: requests, tokens, or billionths of money
    amount: int
    scope: str
    subject: str
    #: only for what is done in this project; empty: anywhere
    project: str
    #: glob of model names
    model: str

    def applies(self, caller: Caller, model: str) -> bool:
        if self.project and self.project != caller.project:
            return False
        subject = caller.subject(self.scope)
        if self.scope != "everyone" and self.subject not in (EACH, subject):
            return False
        # Who has none (the local operator has no user) is nobody's "each".
        return (self.scope == "everyone" or bool(subject)) and fnmatchcase(model, self.model)


@dataclass(frozen=True, slots=True)
class Counted:
    """A rule, and the one counter in which this caller's use of it is counted."""

    rule: Rule
    subject: str

    @property
    def name(self) -> str:
        return f"{self.rule.id}:{self.subject}"


class Book:
    """All limits, and who falls under which. A look-up costs one dictionary."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules: Sequence[Rule] = tuple(rules)
        self._found: dict[tuple[Caller, str], tuple[Counted, ...]] = {}

    def find(self, caller: Caller, model: str) -> tuple[Counted, ...]:
        if not self.rules:
            return ()
        found = self._found.get((caller, model))
        if found is None:
            found = self._search(caller, model)
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[(caller, model)] = found
        return found

    def _search(self, caller: Caller, model: str) -> tuple[Counted, ...]:
        applying = [rule for rule in self.rules if rule.applies(caller, model)]
        # What is said of one by name stands instead of what is said of each.
        named = {
            (rule.scope, rule.kind, rule.model, rule.project)
            for rule in applying
            if rule.subject != EACH
        }
        return tuple(
            Counted(rule, caller.subject(rule.scope))
            for rule in applying
            if rule.subject != EACH
            or (rule.scope, rule.kind, rule.model, rule.project) not in named
        )
