"""Images in chat requests: what the engine gets is bytes, whatever the caller sent."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from apps.inference.openai import media
from apps.inference.openai.parse import parse_chat, to_submit
from tests.safety.pictures import JPEG, PNG, WAV, png
from tests.safety.test_fetch import Site, settings, site
from xplatform.core.config import Settings
from xplatform.core.errors import InvalidRequest, InvalidValue, UrlRefused
from xplatform.engines.base import EngineFault
from xplatform.engines.llama_requests import messages_of

__all__ = ["site"]

_encode = msgspec.json.encode


def chat(*parts: dict[str, Any]) -> Any:
    content = [{"type": "text", "text": "what is it?"}, *parts]
    return parse_chat(_encode({"model": "m", "messages": [{"role": "user", "content": content}]}))


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sent(request: Any) -> list[str]:
    """What goes to the engine."""
    content = to_submit(request, "r").payload["messages"][0]["content"]
    return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]


def data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


async def test_addresses_become_bytes(site: Site) -> None:
    wrong_type = site.page("/a", PNG, content_type="text/html")
    request = chat(image(wrong_type), image(site.page("/b", JPEG)))
    assert media.has_media(request)
    await media.take_in(request, settings())
    assert sent(request) == [data(PNG, "image/png"), data(JPEG, "image/jpeg")]


async def test_a_data_url_is_what_its_content_is() -> None:
    lying = "data:text/html;base64," + base64.b64encode(PNG).decode()
    request = chat(image(lying), image(data(PNG, "image/png")))
    await media.take_in(request, Settings())
    assert sent(request) == [data(PNG, "image/png")] * 2


async def test_a_large_one_is_checked_too() -> None:
    request = chat(image(data(png(600, 600) + bytes(400_000), "image/png")))
    await media.take_in(request, Settings())
    request = chat(image(data(b"<html>" + bytes(400_000), "image/png")))
    with pytest.raises(InvalidValue, match="no image"):
        await media.take_in(request, Settings())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x.png", "http://[::1]/x", "file:///etc/passwd", "/etc/passwd"]
)
async def test_what_may_not_be_followed_names_the_part(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        await media.take_in(chat(image(url)), Settings())
    assert caught.value.param == "messages[0].content[1].image_url"


async def test_a_page_is_no_image(site: Site) -> None:
    url = site.page("/", b"<html>secret of the intranet</html>", content_type="image/png")
    with pytest.raises(InvalidValue, match="by their content") as caught:
        await media.take_in(chat(image(url)), settings())
    assert "secret" not in caught.value.message


async def test_many_addresses() -> None:
    with pytest.raises(InvalidRequest, match="17 addresses"):
        await media.take_in(chat(*[image("http://1.1.1.1/a.png")] * 17), Settings())


async def test_sounds_are_checked_by_content() -> None:
    def sound(form: str) -> dict[str, Any]:
        text = base64.b64encode(WAV).decode()
        return {"type": "input_audio", "input_audio": {"data": text, "format": form}}

    await media.take_in(chat(sound("wav")), Settings())
    with pytest.raises(InvalidValue, match="wav and not mp3"):
        await media.take_in(chat(sound("mp3")), Settings())


def test_requests_without_any_cost_nothing() -> None:
    assert not media.has_media(chat())


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "file:///etc/passwd", "data:,a", None])
def test_the_engine_itself_takes_no_address(url: Any) -> None:
    """Should one ever get that far."""
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    with pytest.raises(EngineFault, match="no data: URL"):
        messages_of({"messages": [message]}, vision=True)
