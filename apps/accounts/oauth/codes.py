"""The code that a device shows and a person types. Imported by the settings: no Django here."""

from __future__ import annotations

import secrets
from typing import Final

#: letters that nobody mistakes for others, and that spell no words: eight of them are 34 bits
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"


def user_code() -> str:
    """What a person types: eight letters, shown as ``WDJB-MJHT``."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


def shown_code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


def typed_code(text: str) -> str:
    """However somebody typed it."""
    return "".join(letter for letter in text.upper() if letter in _LETTERS)
