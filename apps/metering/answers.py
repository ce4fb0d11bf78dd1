"""What a caller is told about its limits: OpenAI's headers, and the refusal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apps.metering.local import Reading, Want
from apps.metering.prices import in_units
from apps.metering.rules import EACH, KINDS, Counted, Unit
from xplatform.core.errors import PlatformError, QuotaExceeded, RateLimited

_WHOSE: Final = {
    "everyone": "of all callers together",
    "project": "of this project",
    "user": "of this user",
    "key": "of this API key",
}

Headers = tuple[tuple[bytes, bytes], ...]


def headers(
    counted: Sequence[Counted], wants: Sequence[Want], readings: Sequence[Reading]
) -> Headers:
    """Of the limits per minute; of several that of which the least is left."""
    return _headers(counted, wants, readings, taken=True)


def refusal(
    counted: Sequence[Counted], wants: Sequence[Want], readings: Sequence[Reading]
) -> PlatformError:
    """Of several limits that are used up the one that holds longest."""
    entry, want, reading = max(
        zip(counted, wants, readings, strict=True), key=lambda each: each[2].wait
    )
    error = _refuse(entry, want, reading)
    error.data = {"kind": entry.rule.kind, "scope": entry.rule.scope}
    error.more_headers = {
        name.decode(): value.decode()
        for name, value in _headers(counted, wants, readings, taken=False)
    }
    return error


def too_large(entry: Counted, tokens: int) -> PlatformError:
    """Waiting does not help: the request alone is more than a whole minute may have."""
    error = RateLimited(
        f"The request needs up to {tokens} tokens, and the limit {_of(entry)} is"
        f" {entry.rule.amount} tokens per minute. Shorten it or lower max_tokens.",
        data={"kind": entry.rule.kind, "scope": entry.rule.scope},
    )
    error.retryable, error.retry_after = False, None
    return error


def _refuse(entry: Counted, want: Want, reading: Reading) -> PlatformError:
    kind, limit = KINDS[entry.rule.kind], entry.rule.amount
    seconds = max(0.001, reading.wait / 1000)
    if kind.span == "now":
        return RateLimited(
            f"The limit {_of(entry)} is {limit} {kind.words}, and {reading.used} are running."
            " Try again when one has ended.",
            retry_after=seconds,
        )
    if kind.unit == "money":
        said = f"The budget {_of(entry)} is {in_units(limit):g} {kind.words}, of which"
        said += f" {in_units(reading.used):g} is used"
    else:
        said = f"The limit {_of(entry)} is {limit} {kind.words}, of which {reading.used} are used"
    if want.amount > 1:
        needed = f"{in_units(want.amount):g}" if kind.unit == "money" else str(want.amount)
        said += f"; this request may need {needed}"
    if kind.span == "minute":
        return RateLimited(f"{said}. Try again in {seconds:.1f} s.", retry_after=seconds)
    return QuotaExceeded(
        f"{said}. The {kind.span} ends in {duration(reading.wait)} (UTC).", retry_after=seconds
    )


def _of(entry: Counted) -> str:
    rule = entry.rule
    words = _WHOSE[rule.scope]
    return words if rule.model == EACH else f"{words} for models named {rule.model!r}"


def _headers(
    counted: Sequence[Counted],
    wants: Sequence[Want],
    readings: Sequence[Reading],
    *,
    taken: bool,
) -> Headers:
    narrowest: dict[Unit, tuple[int, Want, Reading]] = {}
    for entry, want, reading in zip(counted, wants, readings, strict=True):
        if want.form != "w":
            continue
        unit = KINDS[entry.rule.kind].unit
        left = want.limit - reading.used - (want.amount if taken else 0)
        if unit not in narrowest or left < narrowest[unit][0]:
            narrowest[unit] = (max(0, left), want, reading)
    out: list[tuple[bytes, bytes]] = []
    for name, (left, want, reading) in narrowest.items():
        # What was taken right now is the last to be forgotten.
        reset = 60_000 if taken and want.amount else reading.reset
        for what, value in (
            ("limit", str(want.limit)),
            ("remaining", str(left)),
            ("reset", duration(reset)),
        ):
            out.append((f"x-ratelimit-{what}-{name}".encode(), value.encode()))
    return tuple(out)


def duration(milliseconds: int) -> str:
    """As OpenAI writes it: 20ms, 1.5s, 6m0s, 1h0m0s."""
    if milliseconds < 1000:
        return f"{max(0, milliseconds)}ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{seconds}s"
    return f"{minutes // 60}h{minutes % 60}m{seconds}s"
