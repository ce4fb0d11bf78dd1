"""Frames: numbered, kept, sent again, and bounded."""

from __future__ import annotations

import asyncio

import pytest

from apps.inference import messages
from apps.inference.messages import Frames, Gone, Resend
from apps.inference.replica import outbox as outbox_module
from apps.inference.replica.outbox import Outbox
from tests.inference.fakes import FakeLayer
from xplatform.core.channels import BODY
from xplatform.engines.protocol import Delta


def sent(layer: FakeLayer, channel: str) -> list[messages.ToWeb]:
    return [messages.decode_to_web(m[BODY]) for to, m in layer.sent if to == channel]


async def test_what_piles_up_goes_as_one_frame() -> None:
    layer = FakeLayer()
    outbox = Outbox(layer, "r", 1)
    for number in range(5):
        outbox.to("web").delta(Delta("k", text=str(number)))
    outbox.to("other").started("x")
    await asyncio.sleep(0.01)
    frames = sent(layer, "web")
    assert len(frames) == 1
    assert isinstance(frames[0], Frames)
    assert "".join(d.text for d in frames[0].deltas) == "01234"
    assert len(sent(layer, "other")) == 1


async def test_missed_frames_are_sent_again_as_they_were() -> None:
    layer = FakeLayer()
    outbox = Outbox(layer, "r", 1)
    web = outbox.to("web")
    for number in range(4):
        web.delta(Delta("k", text=str(number)))
        await asyncio.sleep(0.005)
    before = sent(layer, "web")
    await outbox.resend(Resend("web", web.stream, 2, 3))
    assert sent(layer, "web")[4:] == before[1:3]


async def test_what_left_the_window_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "WINDOW_FRAMES", 2)
    layer = FakeLayer()
    outbox = Outbox(layer, "r", 1)
    web = outbox.to("web")
    for number in range(4):
        web.delta(Delta("k", text=str(number)))
        await asyncio.sleep(0.005)
    await outbox.resend(Resend("web", web.stream, 1, 4))
    gone = sent(layer, "web")[-1]
    assert isinstance(gone, Gone)
    assert gone.seq == 5


async def test_the_window_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "WINDOW_BYTES", 10_000)
    outbox = Outbox(FakeLayer(), "r", 1)
    web = outbox.to("web")
    for _ in range(50):
        web.delta(Delta("k", text="x" * 1000))
        await asyncio.sleep(0.001)
    assert web._window_bytes <= 10_000
    assert web._window_bytes == sum(len(data) for _, data in web._window)


async def test_another_numbering_is_not_mixed_up() -> None:
    layer = FakeLayer()
    outbox = Outbox(layer, "r", 1)
    outbox.to("web").started("k")
    await asyncio.sleep(0.005)
    await outbox.resend(Resend("web", 12345, 1, 1))
    gone = sent(layer, "web")[-1]
    assert isinstance(gone, Gone)
    assert (gone.stream, gone.seq) == (12345, 0)


async def test_a_broker_that_is_away_stops_nobody() -> None:
    layer = FakeLayer()
    outbox = Outbox(layer, "r", 1)
    web = outbox.to("web")

    async def refuse(channel: str, message: object) -> None:
        raise ConnectionError("away")

    layer.send, real = refuse, layer.send  # type: ignore[method-assign]
    web.delta(Delta("k", text="lost"))
    await asyncio.sleep(0.01)
    layer.send = real  # type: ignore[method-assign]
    await outbox.resend(Resend("web", web.stream, 1, 1))
    frames = sent(layer, "web")
    assert isinstance(frames[0], Frames)
    assert frames[0].deltas[0].text == "lost"
