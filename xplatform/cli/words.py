"""Numbers and values as people read and type them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: float | None) -> str:
    if count is None:
        return "-"
    number, unit = float(count), 0
    while abs(number) >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} d"


def age(moment: str | float | None) -> str:
    """How long ago; of ISO 8601 or Unix time."""
    if not moment:
        return "-"
    if isinstance(moment, str):
        then = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    else:
        then = datetime.fromtimestamp(moment, UTC)
    return duration((datetime.now(UTC) - then).total_seconds())


def clock(moment: str) -> str:
    """A moment of ISO 8601 by this machine's clock."""
    then = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return then.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def value(text: str) -> Any:
    """JSON if it is, else text; True, False and None as Python spells them too."""
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    try:
        return json.loads(text)
    except ValueError:
        return text


def truth(text: str) -> bool:
    """For flags that Xinference gives a value: ``--trust-remote-code true``."""
    lowered = text.strip().lower()
    if lowered in ("true", "yes", "on", "1"):
        return True
    if lowered in ("false", "no", "off", "0"):
        return False
    raise ValueError(text)


truth.__name__ = "true or false"
