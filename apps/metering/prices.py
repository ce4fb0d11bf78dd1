"""What tokens cost, in whole billionths of the currency. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from apps.metering.rules import NANO

#: tokens that a price is for
PER_TOKENS: Final = 1_000_000
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Price:
    """All in billionths: of a million tokens, and of one request."""

    #: glob of model names
    model: str
    input: int = 0
    cached: int = 0
    output: int = 0
    request: int = 0

    def cost(self, prompt: int, cached: int, completion: int) -> int:
        """``cached`` is part of ``prompt``. Rounded to the next billionth, half up."""
        tokens = (prompt - cached) * self.input + cached * self.cached + completion * self.output
        return (tokens + PER_TOKENS // 2) // PER_TOKENS + self.request


FREE: Final = Price("*")


class PriceList:
    """The most particular glob that fits holds: the one with the most letters of its own."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices = sorted(prices, key=lambda price: _particular(price.model), reverse=True)
        self._found: dict[str, Price] = {}

    def of(self, model: str) -> Price:
        found = self._found.get(model)
        if found is None:
            fitting = (price for price in self._prices if fnmatchcase(model, price.model))
            found = next(fitting, FREE)
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[model] = found
        return found


def _particular(glob: str) -> tuple[bool, int]:
    wild = sum(glob.count(mark) for mark in "*?[")
    return (wild == 0, len(glob) - wild)


def in_units(nano: int) -> float:
    """For metrics and headers; records keep the whole number."""
    return nano / NANO
