"""From the bytes of tokens to the text that may be shown: whole characters, no stop texts."""

from __future__ import annotations

import codecs


class ShownText:
    """Fed with the bytes of token after token, tells what can be shown so far.

    A character whose bytes are spread over tokens is held back until it is whole. So is what may
    become a stop text; when it has become one, ``stopped`` is set and the text ends before it.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.stopped = False
        self._stops = stops
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        return self._release(self._decoder.decode(piece))

    def end(self) -> str:
        """What was held back and will not go on."""
        text = self._release(self._decoder.decode(b"", final=True))
        if not self.stopped:
            text += self._held
        self._held = ""
        return text

    def _release(self, text: str) -> str:
        if self.stopped:
            return ""
        if not self._stops:
            return text
        text = self._held + text
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        keep = max(self._overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    @staticmethod
    def _overlap(text: str, stop: str) -> int:
        """How much of the end of ``text`` may be the beginning of ``stop``."""
        for length in range(min(len(stop) - 1, len(text)), 0, -1):
            if text.endswith(stop[:length]):
                return length
        return 0
