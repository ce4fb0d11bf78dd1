"""Images and sounds in requests: fetched and checked here, so that engines get bytes and never an
address. What the caller sent becomes a ``data:`` URL of what it is by its content."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

from xplatform.core import fetch, media
from xplatform.core.config import Settings
from xplatform.core.errors import InvalidRequest, PlatformError

from .schema import AudioPart, ChatRequest, ImagePart, Request, TokenizeRequest, UserMessage

#: addresses that one request may name
_MOST_ADDRESSES = 16
#: decoding more than this is left to a thread
_SMALL = 256 * 1024

Part = ImagePart | AudioPart


def has_media(request: Request) -> bool:
    return next(_parts(request), None) is not None


async def take_in(request: Request, settings: Settings) -> None:
    """Replace addresses by what they hold, and check all. Raises PlatformError that names the
    part."""
    parts = list(_parts(request))
    remote = [
        (where, part)
        for where, part in parts
        if isinstance(part, ImagePart) and not _is_data(part.image_url.url)
    ]
    if len(remote) > _MOST_ADDRESSES:
        raise InvalidRequest(
            f"The request names {len(remote)} addresses; up to {_MOST_ADDRESSES} are fetched."
            " Send the others as data: URLs.",
            param="messages",
        )
    total = await _fetch_all(remote, settings)
    limit = settings.max_body_mb << 20
    if total > limit:
        raise InvalidRequest(
            f"The images of the request have {total:,} bytes together; up to {limit:,} are taken.",
            param="messages",
        )
    small = sum(_length(part) for _, part in parts) < _SMALL
    if small:
        _check_all(parts, limit)
    else:
        await asyncio.to_thread(_check_all, parts, limit)


async def _fetch_all(remote: list[tuple[str, ImagePart]], settings: Settings) -> int:
    """All at once; the first that fails ends the others."""

    async def one(where: str, part: ImagePart) -> int:
        try:
            data = await fetch.fetch_async(part.image_url.url, settings)
        except PlatformError as error:
            error.param = where
            raise
        kind = media.check_image(data, where).kind
        part.image_url.url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        return len(data)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(where, part)) for where, part in remote]
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from None
    return sum(task.result() for task in tasks)


def _check_all(parts: list[tuple[str, Part]], limit: int) -> None:
    for where, part in parts:
        if isinstance(part, AudioPart):
            sound = media.from_base64(part.input_audio.data, where)
            media.check_sound(sound, part.input_audio.format, where)
            continue
        url = part.image_url.url
        data = media.data_url(url, limit, where)
        head = f"data:{media.check_image(data, where).kind};base64,"
        if not url.startswith(head):
            part.image_url.url = head + base64.b64encode(data).decode()


def _parts(request: Request) -> Iterator[tuple[str, Part]]:
    if not isinstance(request, ChatRequest | TokenizeRequest):
        return
    for place, message in enumerate(request.messages or ()):
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            for number, part in enumerate(message.content):
                at = f"messages[{place}].content[{number}]"
                if isinstance(part, ImagePart):
                    yield f"{at}.image_url", part
                elif isinstance(part, AudioPart):
                    yield f"{at}.input_audio", part


def _is_data(url: str) -> bool:
    return url[:5].lower() == "data:"


def _length(part: Part) -> int:
    return len(part.image_url.url if isinstance(part, ImagePart) else part.input_audio.data)
