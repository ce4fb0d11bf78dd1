"""What never gets into the audit: secrets, by the name they stand under and by how they look."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "…"
#: characters of one text, and of all that is known before or after
_LONGEST_TEXT, _LONGEST = 2_000, 16_000

_SECRET_WORDS: Final = frozenset(
    "key keys token tokens password passwords passwd passphrase secret secrets credential"
    " credentials authorization cookie cookies digest private apikey otp totp seed signature"
    " code codes verifier assertion jwt bearer dsn".split()
)
#: … but not with one of these behind it: they tell of a secret, and are none
_HARMLESS_ENDS: Final = frozenset(
    "id ids name names prefix kind type count minute hour day month limit limits expires created"
    " used state length size max min policy budget".split()
)
#: may be numbers and are secret all the same
_EVEN_NUMBERS: Final = frozenset(
    "password passwords passwd passphrase secret secrets otp totp code codes seed".split()
)
#: every value below these
_ALL_BELOW: Final = frozenset({"environment", "env", "envs", "headers", "cookies"})

_LOOKS: Final = re.compile(
    r"xp-[A-Za-z0-9_-]{12,}"  # our own
    r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"  # JWTs
    r"|\b(?:hf|sk|ghp|gho|glpat|xoxb|ms)[-_][A-Za-z0-9_-]{16,}"  # hubs and the like
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in addresses
    r"|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}"
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def text(value: object, longest: int = _LONGEST_TEXT) -> str:
    """Without what looks like a secret, what databases do not take, and beyond ``longest``."""
    plain = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    plain = _LOOKS.sub(HIDDEN, plain)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def as_json(values: Mapping[str, Any] | None) -> str:
    """Empty for None."""
    if values is None:
        return ""
    found = json.dumps(_clean(values), ensure_ascii=False, sort_keys=True, default=text)
    if len(found) > _LONGEST:
        names = json.dumps([text(name, 50) for name in list(values)[:100]], ensure_ascii=False)
        return f'{{"too_long": {len(found)}, "names": {names}}}'
    return found


def changed(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Only what differs, where there is a before and an after."""
    if not before or not after:
        return before or None, after or None
    differs = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in differs if name in before},
        {name: after[name] for name in differs if name in after},
    )


def is_secret(name: str, value: Any = "") -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _HARMLESS_ENDS:
        return False
    found = _SECRET_WORDS.intersection(words)
    if value is None or isinstance(value, bool | int | float):
        return value is not None and bool(found & _EVEN_NUMBERS)
    return bool(found)


def _clean(value: Any, all_hidden: bool = False) -> Any:
    match value:
        case Mapping():
            # {"name": "API_KEY", "value": …}
            named = value.get("name", value.get("key"))
            hide_value = isinstance(named, str) and is_secret(named)
            return {
                text(name, 200): HIDDEN
                if _hidden(str(name), below, all_hidden, hide_value)
                else _clean(below, all_hidden or str(name).lower() in _ALL_BELOW)
                for name, below in value.items()
            }
        case list() | tuple() | set() | frozenset():
            rows = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [_clean(below, all_hidden) for below in rows]
        case bytes() | bytearray() | memoryview():
            return HIDDEN
        case bool() | None:
            return value
        case int() | float() if not all_hidden:
            return value if value == value and abs(value) != float("inf") else str(value)
    return HIDDEN if all_hidden else text(value)


def _hidden(name: str, value: Any, all_hidden: bool, hide_value: bool) -> bool:
    if isinstance(value, Mapping | list | tuple) and not value:
        return False
    if hide_value and name in ("value", "val"):
        return True
    if all_hidden and not isinstance(value, Mapping | list | tuple):
        return True
    return is_secret(name, value)
