"""Files are what their content says."""

from __future__ import annotations

import base64
import struct

import pytest

from tests.safety.pictures import BMP, GIF, JPEG, PNG, WAV, WEBP_LOSSLESS, WEBP_LOSSY, png
from xplatform.core import media
from xplatform.core.errors import InvalidValue


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (PNG, "image/png", (3, 2)),
        (JPEG, "image/jpeg", (16, 8)),
        (GIF, "image/gif", (1, 1)),
        (BMP, "image/bmp", (5, 7)),
        (WEBP_LOSSY, "image/webp", (176, 144)),
        (WEBP_LOSSLESS, "image/webp", (11, 9)),
        (WAV, "audio/wav", (0, 0)),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg", (0, 0)),
        (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg", (0, 0)),
        (b"fLaC\0\0\0\x22", "audio/flac", (0, 0)),
    ],
)
def test_known(data: bytes, kind: str, size: tuple[int, int]) -> None:
    found = media.look_at(data)
    assert (found.kind, (found.width, found.height)) == (kind, size)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\x7fELF" * 20,
     b"#!/bin/sh\nexit", b"RIFF\0\0\0\0AVI LIST", b"<html>", b"BM the band"],
)  # fmt: skip
def test_no_image(data: bytes) -> None:
    with pytest.raises(InvalidValue, match="by their content") as caught:
        media.check_image(data, "messages[0].content[1].image_url")
    assert caught.value.param == "messages[0].content[1].image_url"


def test_an_image_that_would_unfold_too_far() -> None:
    with pytest.raises(InvalidValue, match="60000×60000 pixels"):
        media.check_image(png(60_000, 60_000), "image")


@pytest.mark.parametrize("data", [PNG[:16] + bytes(8), JPEG[:12], b"\xff\xd8\xff\xe0\0\0" * 9])
def test_a_damaged_image(data: bytes) -> None:
    with pytest.raises(InvalidValue, match="damaged"):
        media.check_image(data, "image")


def test_a_sound_of_another_format() -> None:
    media.check_sound(WAV, "wav", "audio")
    with pytest.raises(InvalidValue, match="is wav and not mp3"):
        media.check_sound(WAV, "mp3", "audio")
    with pytest.raises(InvalidValue, match="something else and not wav"):
        media.check_sound(PNG, "wav", "audio")


def test_data_urls() -> None:
    text = base64.b64encode(PNG).decode()
    for head in ("data:image/png;base64,", "DATA:;charset=utf-8;base64,", "data:text/html;base64,"):
        assert media.data_url(head + text, 1000, "image") == PNG
    assert media.data_url("data:,a%00b", 1000, "image") == b"a\0b"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png;base64", "is none"),
        ("data:image/png;base64,!!!!", "not valid base64"),
        ("data:image/png;base64,iVBO\nRw0K", "not valid base64"),
        ("data:image/png;base64," + "A" * 2000, "more than"),
        ("data:" + "x" * 5000 + ",", "is none"),
    ],
)
def test_bad_data_urls(url: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        media.data_url(url, 1000, "image")


def test_a_jpeg_with_many_segments_is_read_in_one_pass() -> None:
    padding = b"".join(b"\xff\xe1" + struct.pack(">H", 4) + b"xx" for _ in range(1000))
    assert media.look_at(JPEG[:2] + padding + JPEG[2:]).width == 16
