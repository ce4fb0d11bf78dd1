"""What a file is by its content. Names, headers and the words of ``data:`` URLs are believed by
nobody: an engine's decoder is handed only what looks like what it was written for."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from xplatform.core.errors import InvalidValue

#: pixels that an image may have: a file of some kilobytes can unfold to more memory than there is
MAX_PIXELS: Final = 64_000_000

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
SOUNDS: Final = frozenset({"audio/wav", "audio/mpeg", "audio/flac", "audio/ogg"})


@dataclass(frozen=True, slots=True)
class Media:
    """``kind`` is empty for what is not known."""

    kind: str
    width: int = 0
    height: int = 0


def look_at(data: bytes) -> Media:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        return Media("image/png", _big(data, 16, 4), _big(data, 20, 4))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return Media("image/gif", _little(data, 6, 2), _little(data, 8, 2))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:2] == b"BM" and len(data) >= 26 and _little(data, 14, 4) in (12, 40, 52, 56, 108, 124):
        return _bmp(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Media("audio/wav")
    if data[:3] == b"ID3" or (
        len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06
    ):
        return Media("audio/mpeg")
    if data[:4] == b"fLaC":
        return Media("audio/flac")
    if data[:4] == b"OggS":
        return Media("audio/ogg")
    return Media("")


def check_image(data: bytes, param: str) -> Media:
    """Raises InvalidValue that names the field."""
    found = look_at(data)
    if found.kind not in IMAGES:
        raise InvalidValue(
            f"`{param}` is no image that is known here: PNG, JPEG, GIF, WebP and BMP are, by"
            " their content.",
            param=param,
        )
    if not found.width or not found.height:
        raise InvalidValue(f"`{param}` is a damaged image: it tells no size.", param=param)
    if found.width * found.height > MAX_PIXELS:
        raise InvalidValue(
            f"`{param}` has {found.width}×{found.height} pixels; up to {MAX_PIXELS:,} are taken.",
            param=param,
        )
    return found


def check_sound(data: bytes, wanted: str, param: str) -> None:
    """``wanted`` is the format that was said: ``wav`` or ``mp3``. Raises InvalidValue."""
    kind = look_at(data).kind
    if kind != {"wav": "audio/wav", "mp3": "audio/mpeg"}.get(wanted):
        what = kind.removeprefix("audio/") if kind in SOUNDS else "something else"
        raise InvalidValue(f"`{param}` is {what} and not {wanted}, by its content.", param=param)


_DATA: Final = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]*)*)(;base64)?,", re.ASCII | re.IGNORECASE
)


def data_url(url: str, limit: int, param: str) -> bytes:
    """The bytes of a ``data:`` URL. Raises InvalidValue."""
    head = _DATA.match(url, 0, 300)
    if head is None:
        raise InvalidValue(
            f"`{param}` begins like a data: URL but is none: data:image/png;base64,…", param=param
        )
    if (len(url) - head.end()) * 3 // 4 > limit:
        raise InvalidValue(f"`{param}` has more than {limit >> 20} MB.", param=param)
    if head[3]:
        return from_base64(url[head.end() :], param)
    return unquote_to_bytes(url[head.end() :])


def from_base64(text: str, param: str) -> bytes:
    """Strictly: what one decoder skips, another reads. Raises InvalidValue."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue(f"`{param}` is not valid base64.", param=param) from None


def _jpeg(data: bytes) -> Media:
    """The size is in the frame's header, behind segments of any length."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return Media("image/jpeg", _big(data, at + 7, 2), _big(data, at + 5, 2))
        elif marker in (0x01, *range(0xD0, 0xD9)):
            at += 2
        else:
            at += 2 + _big(data, at + 2, 2)
    return Media("image/jpeg")


def _webp(data: bytes) -> Media:
    kind = "image/webp"
    if data[12:16] == b"VP8X" and len(data) >= 30:
        return Media(kind, _little(data, 24, 3) + 1, _little(data, 27, 3) + 1)
    if data[12:16] == b"VP8L" and len(data) >= 25:
        bits = _little(data, 21, 4)
        return Media(kind, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if data[12:16] == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        return Media(kind, _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF)
    return Media(kind)


def _bmp(data: bytes) -> Media:
    if _little(data, 14, 4) == 12:
        return Media("image/bmp", _little(data, 18, 2), _little(data, 20, 2))
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return Media("image/bmp", abs(width), abs(height))  # below zero: the first row comes first


def _big(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "big")


def _little(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "little")
