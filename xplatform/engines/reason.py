"""A sentence that other languages can say, too: with a word for what it says, and what is in it.

Here since rules make the first of them; all layers above use it. The English text is made where
the reason is; consoles have the sentences of other languages by the code. A code is a promise as
an error's is: it keeps its meaning and the names of its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, init=False)
class Reason:
    code: str
    #: in English
    text: str
    #: name → what the sentence has there. Numbers as they are, bytes, seconds or counts: whoever
    #: shows them puts them into words.
    values: tuple[tuple[str, Any], ...]

    def __init__(self, code: str, text: str, /, **values: Value) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "values", tuple(values.items()))

    def __str__(self) -> str:
        return self.text

    def told(self) -> dict[str, Any]:
        """Beside the text, for whoever shows it in another language."""
        return {"code": self.code, "params": {name: _told(value) for name, value in self.values}}


def _told(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    return value.told() if isinstance(value, Reason) else value


#: of one name; a reason may have others in it
Value = str | int | float | Reason | tuple[str, ...] | tuple[Reason, ...]

#: an English sentence, or a reason where other languages can say it, too
Said = str | Reason


def told(said: Said) -> dict[str, Any] | None:
    """To be kept beside the text."""
    return said.told() if isinstance(said, Reason) else None
