"""Settings: tokens of hubs, prices, webhooks, and what is in force."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from apps.webhooks.sending import signature
from tests.console.operating.conftest import register
from tests.console.visit import Visit
from tests.files.hub import Hub
from tests.support.server import Server, wait_for
from tests.webhooks.conftest import Receiver

TOKEN = "hf_good"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_a_token_is_stored_used_and_never_shown(
    visit: Callable[..., Visit], server: Server, hub: Hub
) -> None:
    register(server, "gated")
    hub.gated.add("acme/gated")
    one = visit()
    page = one.go("/settings/tokens")
    part = page.get_by_role("region", name="Hugging Face")
    expect(part).to_contain_text("not set")
    part.get_by_role("button", name="Set").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Token", exact=False).first.fill(TOKEN)
    assert one.findings() == []
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The token is stored.")).to_be_visible()
    expect(part).to_contain_text("by admin")
    page.reload()
    expect(part.get_by_role("button", name="Replace")).to_be_visible()
    assert TOKEN not in page.content()
    assert TOKEN not in server.get("/api/secrets").body.decode()
    assert server.post("/api/downloads", {"name": "our-gated"}).status in (200, 201, 202)
    wait_for(lambda: hub.sent["gated.gguf"], "the gated file to be sent", 40)

    part.get_by_role("button", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(part).to_contain_text("not set")


def test_prices(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/settings/prices")
    page.get_by_role("button", name="New price").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Models", exact=False).first.fill("bee*")
    dialog.get_by_label("Prompts").fill("much")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("A number such as 0.15.")).to_be_visible()
    assert one.findings() == []
    dialog.get_by_label("Prompts").fill("0.15")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="bee*")
    expect(row).to_contain_text("0.15")
    page.get_by_role("button", name="What to do with bee*").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog.get_by_label("Answers").fill("2.5")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("2.5")
    [price] = [p for p in server.get("/api/prices").json() if p["model"] == "bee*"]
    assert (float(price["input"]), float(price["output"])) == (0.15, 2.5)
    page.get_by_role("button", name="What to do with bee*").click()
    page.get_by_role("menuitem", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_a_webhook_from_its_secret_to_its_removal(
    visit: Callable[..., Visit], server: Server, receiver: Receiver
) -> None:
    one = visit()
    page = one.go("/settings/webhooks")
    page.get_by_role("button", name="New webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("the pager")
    dialog.get_by_label("Address").fill(receiver.url)
    dialog.get_by_label("Events").fill("replica.ready")
    dialog.get_by_label("Events").press("Enter")
    assert one.findings() == []
    dialog.get_by_role("button", name="Save").click()
    secret = dialog.get_by_label("Signing secret").inner_text()
    assert re.fullmatch(r"whsec_\S{20,}", secret)
    dialog.get_by_role("button", name="I have copied it").click()
    expect(dialog).to_have_count(0)
    assert secret not in page.content()
    row = page.get_by_role("row").filter(has_text="the pager")
    expect(row).to_contain_text("up to date")

    def act(what: str, sure: bool = False) -> None:
        page.get_by_role("button", name="What to do with the pager").click()
        page.get_by_role("menuitem", name=what, exact=True).click()
        if sure:
            dialog.get_by_role("button", name=what, exact=True).click()

    act("Send a test")
    expect(page.get_by_text("It answered 204.", exact=True)).to_be_visible()
    headers, body = receiver.got[-1]
    assert json.loads(body)["type"] == "test"

    def is_signed(key: str) -> bool:
        at = int(headers["webhook-timestamp"])
        return headers["webhook-signature"] == signature(key, headers["webhook-id"], at, body)

    assert is_signed(secret)
    # A delivery, one that is refused, and what is told of both.
    server.launch("pages-somebody")
    wait_for(lambda: any(b"pages-somebody" in body for _, body in receiver.got), "the message")
    expect(row).to_contain_text(re.compile(r"[1-9]\d* delivered"))
    receiver.answers.append(500)
    act("Send a test")
    expect(page.get_by_text("500").first).to_be_visible()
    expect(row).to_contain_text("500")

    # Paused and woken.
    act("Switch off")
    expect(row).to_contain_text("switched off")
    told = len(receiver.got)
    server.request("DELETE", "/api/launches/pages-somebody")
    server.launch("pages-nobody")
    # Those who call it may know before it is in the history, which webhooks follow.
    wait_for(lambda: server.launch_state("pages-nobody")["state"] == "ready", "the history")
    act("Switch on")
    expect(row).to_contain_text("up to date")
    server.launch("pages-again")
    wait_for(lambda: any(b"pages-again" in body for _, body in receiver.got), "the message")
    assert not any(b"pages-nobody" in body for _, body in receiver.got[told:])

    act("New secret", sure=True)
    fresh = dialog.get_by_label("Signing secret").inner_text()
    dialog.get_by_role("button", name="I have copied it").click()
    act("Send a test")
    wait_for(lambda: json.loads(receiver.got[-1][1])["type"] == "test", "the test")
    headers, body = receiver.got[-1]
    assert is_signed(fresh) and not is_signed(secret)
    act("Remove", sure=True)
    expect(row).to_have_count(0)
    for uid in ("pages-nobody", "pages-again"):
        server.request("DELETE", f"/api/launches/{uid}")


def test_what_is_in_force_and_where_it_came_from(
    visit: Callable[..., Visit], server: Server, hub: Hub
) -> None:
    one = visit()
    page = one.go("/settings/values")
    page.get_by_role("textbox", name="Search").fill("hf_endpoint")
    row = page.get_by_role("row").filter(has_text="hf_endpoint")
    expect(row).to_contain_text(hub.url)
    expect(row).to_contain_text("environment")
    page.get_by_role("textbox", name="Search").fill("admin_password")
    row = page.get_by_role("row").filter(has_text="admin_password")
    expect(row).to_contain_text("set, not shown")
    page.get_by_role("textbox", name="Search").fill("")
    page.get_by_label("Only what differs from its default").check()
    expect(page.get_by_role("row").filter(has_text="fetch_allow")).to_contain_text("flag")
    expect(page.get_by_role("row").filter(has_text="modelscope_endpoint")).to_have_count(0)
    assert one.findings() == []
