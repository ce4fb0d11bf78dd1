"""How many tokens a request will take, before the engine has seen it. Pure.

A guess is reserved, and replaced by the engine's count at the end. It is learned from that count,
model by model: how many characters a token has, and how long answers are where the caller sets no
limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from xplatform.engines.protocol import Submit

_CHARACTERS: Final = 4.0
_ANSWER: Final = 256.0
#: weight of the newest answer in the average
_NEW: Final = 0.05
_MOST_MODELS: Final = 10_000
#: what an image or a sound is taken for
_MEDIUM: Final = 1000
#: role and marks around each message
_MESSAGE: Final = 4


@dataclass(frozen=True, slots=True)
class Size:
    """What a request brings, and what it may get at most."""

    characters: int = 0
    #: where the prompt came as tokens, or has parts that are no text
    tokens: int = 0
    #: most tokens of all its answers together; None: the caller sets no limit
    most: int | None = None
    #: answers
    choices: int = 0
    #: asks for no work of the model, and costs nothing
    free: bool = False


@dataclass(slots=True)
class _Learned:
    characters: float = _CHARACTERS
    answer: float = _ANSWER


class Averages:
    def __init__(self) -> None:
        self._models: dict[str, _Learned] = {}

    def prompt(self, model: str, size: Size) -> int:
        learned = self._models.get(model)
        characters = learned.characters if learned else _CHARACTERS
        return size.tokens + int(size.characters / characters + 0.999)

    def completion(self, model: str, size: Size) -> int:
        if size.most is not None:
            return size.most
        learned = self._models.get(model)
        return int((learned.answer if learned else _ANSWER) + 0.999) * size.choices

    def learn(self, model: str, size: Size, prompt: int, completion: int) -> None:
        learned = self._models.get(model)
        if learned is None:
            if len(self._models) >= _MOST_MODELS:
                self._models.clear()
            learned = self._models[model] = _Learned()
        # Short prompts tell of the template around them, not of the text.
        if size.characters > 200 and not size.tokens and prompt:
            ratio = min(16.0, max(0.5, size.characters / prompt))
            learned.characters += _NEW * (ratio - learned.characters)
        if size.choices and completion:
            learned.answer += _NEW * (completion / size.choices - learned.answer)


def size(jobs: list[Submit]) -> Size:
    """Counts characters, nothing else: a few microseconds."""
    characters = tokens = most = choices = 0
    limited = free = True
    for job in jobs:
        payload = job.payload
        if job.kind == "chat":
            for message in payload["messages"]:
                text, other = _content(message.get("content"))
                characters, tokens = characters + text, tokens + other + _MESSAGE
        elif job.kind == "completion":
            text, other = _text(payload["prompt"])
            characters, tokens = characters + text, tokens + other
        elif job.kind == "embedding":
            for given in payload["inputs"]:
                text, other = _text(given)
                characters, tokens = characters + text, tokens + other
            free = False
            continue
        else:  # tokenize and detokenize generate nothing, and nobody counts them
            continue
        free = False
        choices += job.sampling.n
        if job.sampling.max_tokens is None:
            limited = False
        else:
            most += job.sampling.max_tokens * job.sampling.n
    return Size(characters, tokens, most if limited else None, choices, free)


def _text(given: Any) -> tuple[int, int]:
    return (len(given), 0) if isinstance(given, str) else (0, len(given))


def _content(content: Any) -> tuple[int, int]:
    if isinstance(content, str):
        return len(content), 0
    characters = tokens = 0
    for part in content or ():
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            characters += len(text)
        else:
            tokens += _MEDIUM
    return characters, tokens
