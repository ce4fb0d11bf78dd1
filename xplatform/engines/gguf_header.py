"""The head of a GGUF file: what the model says about itself, without loading it.

Standard library only. The file comes from a download or from a user, so nothing in it is trusted:
every length is checked against what is left of the file before it is used, and whatever is wrong
becomes a ``ValueError`` that says what and where.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MAGIC: Final = b"GGUF"
#: version 1 had 32-bit lengths and is not read by llama.cpp any more
VERSIONS: Final = (2, 3)

#: Larger counts are rubbish: the biggest models have thousands of tensors and dozens of keys.
MAX_TENSORS: Final = 1_000_000
MAX_KEYS: Final = 100_000
MAX_KEY_BYTES: Final = 65_535
MAX_DIMENSIONS: Final = 4
MAX_DEPTH: Final = 4
#: Arrays up to this long are kept as lists; of longer ones (vocabularies) only the length is.
KEPT_ITEMS: Final = 64
#: … of numbers, which some models have one a layer
KEPT_NUMBERS: Final = 1024

#: What ``fetch_header`` asks for first, and where it gives up: the largest vocabularies with their
#: merges take some twenty megabytes.
FIRST_BYTES: Final = 1 << 19
MOST_BYTES: Final = 1 << 27

_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_U32: Final = _SCALARS[4]
_U64: Final = _SCALARS[10]


@dataclass(frozen=True, slots=True)
class LongArray:
    """Stands for an array that was too long to keep."""

    length: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    version: int
    tensor_count: int
    metadata: dict[str, Any]
    file_bytes: int
    #: weights in all tensors
    parameters: int

    @property
    def architecture(self) -> str:
        return self._text("general.architecture") or "unknown"

    @property
    def name(self) -> str | None:
        return self._text("general.name")

    @property
    def context_length(self) -> int | None:
        """What the model was trained for."""
        return self._count(f"{self.architecture}.context_length")

    @property
    def embedding_length(self) -> int | None:
        return self._count(f"{self.architecture}.embedding_length")

    @property
    def pooling_type(self) -> int | None:
        """llama.cpp's number of the pooling; 0 is none. Only embedding models say it."""
        return self._count(f"{self.architecture}.pooling_type")

    @property
    def vocabulary_size(self) -> int | None:
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        if isinstance(tokens, LongArray):
            return tokens.length
        if isinstance(tokens, list):
            return len(tokens)
        return self._count(f"{self.architecture}.vocab_size")

    @property
    def chat_template(self) -> str | None:
        return self._text("tokenizer.chat_template")

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _count(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class HeaderGoesOn(Exception):
    """Only the beginning of the file is there, and its header is longer."""


class _Reader:
    """A position in the file, of which at least the beginning is there; every read is checked
    against the end."""

    def __init__(self, data: mmap.mmap | bytes, name: str, size: int) -> None:
        self.data = data
        self.end = size
        self.there = len(data)
        self.at = 0
        self.name = name

    def broken(self, what: str) -> ValueError:
        return ValueError(f"{self.name}: {what}")

    def need(self, count: int, what: str) -> None:
        if count > self.end - self.at:
            raise self.broken(
                f"the file is truncated: {what} needs {count} bytes at offset {self.at}, "
                f"but the file ends at {self.end}"
            )
        if count > self.there - self.at:
            raise HeaderGoesOn

    def scalar(self, kind: struct.Struct, what: str) -> Any:
        self.need(kind.size, what)
        (value,) = kind.unpack_from(self.data, self.at)
        self.at += kind.size
        return value

    def length(self, what: str) -> int:
        value: int = self.scalar(_U64, what)
        return value

    def text(self, what: str, limit: int | None = None) -> str:
        size = self.length(what)
        if limit is not None and size > limit:
            raise self.broken(f"{what} is {size} bytes long; the file is damaged")
        self.need(size, what)
        raw = self.data[self.at : self.at + size]
        self.at += size
        return raw.decode("utf-8", "replace")

    def value(self, kind: int, what: str, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind], what)
        if kind == _STRING:
            return self.text(what)
        if kind != _ARRAY:
            raise self.broken(f"{what} has the unknown type {kind}; the file is damaged")
        if depth >= MAX_DEPTH:
            raise self.broken(f"{what} is nested too deeply; the file is damaged")
        return self._array(what, depth)

    def _array(self, what: str, depth: int) -> list[Any] | LongArray:
        kind: int = self.scalar(_U32, what)
        count = self.length(what)
        if kind in _SCALARS:
            size = _SCALARS[kind].size
            self.need(count * size, what)
            if count > KEPT_NUMBERS:
                self.at += count * size
                return LongArray(count)
        else:
            # Every item has at least its own length in front of it.
            self.need(count * _U64.size, what)
            if kind == _STRING and count > KEPT_ITEMS:
                self._skip_strings(count, what)
                return LongArray(count)
        items = [self.value(kind, what, depth + 1) for _ in range(count)]
        kept = KEPT_NUMBERS if kind in _SCALARS else KEPT_ITEMS
        return items if count <= kept else LongArray(count)

    def _skip_strings(self, count: int, what: str) -> None:
        # A vocabulary of 150,000 words and its merges: kept tight, it is most of the time spent.
        data, at, end, unpack = self.data, self.at, self.there, _U64.unpack_from
        try:
            for _ in range(count):
                at += 8 + unpack(data, at)[0]
                if at > end:
                    break
        except struct.error:
            at = max(at, end + 1)
        if at > self.end or (at > end and end == self.end):
            raise self.broken(f"the file is truncated inside {what}")
        if at > end:
            raise HeaderGoesOn
        self.at = at


def read_header(path: str | os.PathLike[str]) -> GgufHeader:
    """Raise ``OSError`` when the file cannot be read, ``ValueError`` when it is no whole GGUF."""
    name = os.path.basename(os.fspath(path))
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 24:
            raise ValueError(f"{name}: not a GGUF file (it has only {size} bytes)")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(_Reader(data, name, size), size)


def fetch_header(
    fetch: Callable[[int, int], bytes], size: int, name: str = "the file"
) -> GgufHeader:
    """The same of a file that lies elsewhere: ``fetch(start, length)`` gets a part of it, and as
    little is asked for as the header is long. ``ValueError`` as above."""
    if size < 24:
        raise ValueError(f"{name}: not a GGUF file (it has only {size} bytes)")
    data = fetch(0, min(FIRST_BYTES, size))
    while True:
        try:
            return _read(_Reader(data, name, size), size)
        except HeaderGoesOn:
            wanted = min(2 * len(data), size)
            if wanted <= len(data) or wanted > MOST_BYTES:
                raise ValueError(f"{name}: its header does not end; it is damaged") from None
            more = fetch(len(data), wanted - len(data))
            if not more:
                raise ValueError(f"{name}: the file ends at {len(data)} of {size} bytes") from None
            data += more


def _read(reader: _Reader, size: int) -> GgufHeader:
    magic = reader.data[:4]
    if magic != MAGIC:
        raise reader.broken(f"not a GGUF file (it begins with {magic!r}, not {MAGIC!r})")
    reader.at = 4
    version: int = reader.scalar(_U32, "the version")
    if version not in VERSIONS:
        if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
            raise reader.broken("the file is big-endian, which is not supported")
        raise reader.broken(f"GGUF version {version} is not supported (2 and 3 are)")
    tensors = reader.length("the number of tensors")
    keys = reader.length("the number of keys")
    if tensors > MAX_TENSORS:
        raise reader.broken(f"it claims {tensors} tensors; the file is damaged")
    if keys > MAX_KEYS:
        raise reader.broken(f"it claims {keys} metadata keys; the file is damaged")
    metadata: dict[str, Any] = {}
    for number in range(keys):
        key = reader.text(f"metadata key {number}", MAX_KEY_BYTES)
        kind: int = reader.scalar(_U32, f"the type of {key!r}")
        metadata[key] = reader.value(kind, f"{key!r}")
    parameters = _read_tensors(reader, tensors, metadata)
    return GgufHeader(version, tensors, metadata, size, parameters)


def _read_tensors(reader: _Reader, count: int, metadata: dict[str, Any]) -> int:
    """Count the weights, and find out early that the data behind the header is missing, as in a
    broken download."""
    last = parameters = 0
    for number in range(count):
        name = reader.text(f"the name of tensor {number}", MAX_KEY_BYTES)
        dimensions: int = reader.scalar(_U32, f"the shape of {name!r}")
        if dimensions > MAX_DIMENSIONS:
            raise reader.broken(f"tensor {name!r} has {dimensions} dimensions; it is damaged")
        shape = [reader.length(f"the shape of {name!r}") for _ in range(dimensions)]
        parameters += math.prod(shape)
        reader.scalar(_U32, f"the type of {name!r}")
        last = max(last, reader.length(f"the place of {name!r}"))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise reader.broken(f"the alignment {alignment!r} makes no sense; the file is damaged")
    start = -(-reader.at // alignment) * alignment
    if count and start + last >= reader.end:
        raise reader.broken(
            f"the file is truncated: tensors reach beyond byte {start + last}, "
            f"but the file ends at {reader.end}"
        )
    return parameters
