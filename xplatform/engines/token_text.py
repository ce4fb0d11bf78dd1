"""A tokenizer as several threads of an engine need it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

#: What the chat's text is searched for later; some models mark them "special", which would hide
#: them from the decoded text.
_MARKS = {"<think>", "</think>", "<tool_call>", "</tool_call>"}


class TokenText:
    """Text to tokens and back, from any thread.

    The library's fast tokenizers change their own state in a call (truncation, padding) and then
    fail with "Already borrowed" in other threads. The copy here is never changed.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._added: set[int] = set(getattr(tokenizer, "added_tokens_decoder", None) or {})
        self._fast: Any = None
        self._kind = ""
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is not None:
            form = json.loads(backend.to_str())
            for token in form.get("added_tokens") or []:
                if token["content"] in _MARKS:
                    token["special"] = False
            self._fast = type(backend).from_str(json.dumps(form))
            self._fast.no_truncation()
            self._fast.no_padding()
            decoder = json.dumps(form.get("decoder"))
            if '"ByteLevel"' in decoder:
                self._kind = "byte level"
            elif '"ByteFallback"' in decoder:
                self._kind = "byte fallback"
        self.token_bytes = lru_cache(maxsize=65_536)(self._token_bytes)

    def encode(self, text: str, *, special: bool) -> list[int]:
        """``special``: add what the model wants around a text, such as its begin mark."""
        if self._fast is not None:
            return list(self._fast.encode(text, add_special_tokens=special).ids)
        return list(self.tokenizer.encode(text, add_special_tokens=special))

    def decode(self, tokens: list[int], *, special: bool = False) -> str:
        """``special``: show begin marks and the like."""
        if self._fast is not None:
            return str(self._fast.decode(tokens, skip_special_tokens=not special))
        return str(
            self.tokenizer.decode(
                tokens, skip_special_tokens=not special, clean_up_tokenization_spaces=False
            )
        )

    def token_text(self, token: int) -> str:
        return self.token_bytes(token).decode("utf-8", errors="replace")

    def _token_bytes(self, token: int) -> bytes:
        """The bytes behind one token, which may be part of a character."""
        source = self._fast.id_to_token if self._fast else self.tokenizer.convert_ids_to_tokens
        piece = source(token)
        if piece is None:
            return b""  # models often have more rows than their tokenizer has tokens
        piece = str(piece)
        if token in self._added:
            return piece.encode()
        if self._kind == "byte level":
            table = _byte_level()
            return b"".join(bytes([table[c]]) if c in table else c.encode() for c in piece)
        if self._kind == "byte fallback":
            if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
                return bytes([int(piece[3:5], 16)])
            return piece.replace("\N{LOWER ONE EIGHTH BLOCK}", " ").encode()
        return self.decode([token], special=True).encode()


@lru_cache(maxsize=1)
def _byte_level() -> dict[str, int]:
    """The alphabet of byte-level tokenizers: printable bytes are themselves, others moved up."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(others)}
