"""A sentence that other languages can say, too: with a word for what it says, and what is in it.

Here since rules make the first of them; all layers above use it. The English text is made where
the reason is; consoles have the sentences of other languages by the code. A code is a promise as
an error's is: it keeps its meaning and the names of its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: numbers as they are: bytes, seconds, counts; whoever shows them puts them into words
Value = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, init=False)
class Reason:
    code: str
    #: in English
    text: str
    #: name → what the sentence has there
    values: tuple[tuple[str, Value], ...]

    def __init__(self, code: str, text: str, /, **values: Value) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "values", tuple(values.items()))

    def __str__(self) -> str:
        return self.text

    def told(self) -> dict[str, Any]:
        """Beside the text, for whoever shows it in another language."""
        return {"code": self.code, "params": dict(self.values)}
