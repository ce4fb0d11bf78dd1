"""What people come for, from the first click to the last, against real engines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.console.visit import ADMIN, PASSWORD, Visit
from tests.support.server import ROOT, Server

DEMO = next((ROOT / "apps" / "models" / "demo").glob("*.gguf"))


def answer_of(page: Page) -> Any:
    """The numbers below an answer stand there when it is whole."""
    return page.get_by_text(re.compile(r"\d tokens in, [1-9]\d* out"))


def ask(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def test_from_the_first_login_to_an_answer_and_its_end(visit: Callable[..., Visit]) -> None:
    one = visit(user=None)
    page = one.go("/")
    page.get_by_label("Name").fill(ADMIN)
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="All is well")).to_be_visible()
    # Find.
    page.get_by_role("link", name="Browse models").click()
    page.get_by_role("searchbox").fill("qwen3 embedding")
    page.get_by_role("link", name="Qwen3-Embedding-0.6B").first.click()
    expect(page.get_by_role("heading", name="Qwen3-Embedding-0.6B")).to_be_visible()
    # Launch what is there without a hub.
    page = one.go("/launch")
    page.get_by_text("Path", exact=True).click()
    page.get_by_label("Path on the node").fill(str(DEMO))
    page.get_by_label("Name to call it by").fill("mine")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.get_by_role("link", name="Chat with it").click()
    # Chat.
    ask(page, "What is xplatform?")
    expect(answer_of(page)).to_be_visible()
    expect(page.get_by_text("xplatform").last).to_be_visible()
    assert one.findings() == []
    # See it in the numbers.
    page = one.go("/usage")
    row = page.get_by_role("row").filter(has_text="mine").first

    def is_there() -> bool:
        page.reload()
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_timeout(500)
        return bool(row.count())

    assert any(is_there() for _ in range(30)), "the model is not in the usage"
    # Terminate.
    page = one.go("/running")
    page.get_by_role("button", name="Actions for mine").click()
    page.get_by_role("menuitem", name="Drain and terminate").click()
    page.get_by_role("button", name="Drain and terminate").click()
    expect(page.get_by_role("link", name="mine", exact=True)).to_have_count(0)
    page = one.go("/running?view=past")
    expect(page.get_by_text("mine", exact=True).first).to_be_visible()


def test_a_launch_that_fails_says_why(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/launch")
    page.get_by_text("Path", exact=True).click()
    page.get_by_label("Path on the node").fill("/nowhere/model.gguf")
    page.get_by_label("Name to call it by").fill("lost")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_text("/nowhere/model.gguf").last).to_be_visible()
    expect(page.get_by_role("alert").first).to_be_visible()
    # One that fails later says so on its own page, and at home.
    server.post("/api/launches", {"uid": "broken", "engine": "fake", "model_path": "/dev/null",
                                  "options": {"die_in_load": 3}})  # fmt: skip
    page = one.go("/running/broken")
    expect(page.get_by_text("It failed")).to_be_visible()
    expect(page.get_by_text("exited with code 3").first).to_be_visible()
    page = one.go("/")
    expect(page.get_by_role("link", name="broken failed", exact=True)).to_be_visible()


def test_two_see_each_others_changes(visit: Callable[..., Visit], server: Server) -> None:
    first, second = visit(), visit(color_scheme="dark")
    page = first.go("/running")
    other = second.go("/running/shared-one")
    expect(other.get_by_text("There is no launch")).to_be_visible()
    server.launch("shared-one", slots=4)
    expect(page.get_by_role("link", name="shared-one")).to_be_visible()
    # Nobody touched this one.
    expect(other.get_by_text("ready").first).to_be_visible()
    page.get_by_role("button", name="Actions for shared-one").click()
    page.get_by_role("menuitem", name="Drain and terminate").click()
    page.get_by_role("button", name="Drain and terminate").click()
    expect(other.get_by_text("Terminated").first).to_be_visible()


def test_it_goes_on_when_the_server_is_back(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/events")
    mark = page.get_by_role("status").filter(has_text=re.compile("Live|Reconnecting|Connecting"))
    expect(mark).to_have_text("Live")
    server.stop()
    expect(mark).to_have_text("Reconnecting")
    server.start()
    expect(mark).to_have_text("Live", timeout=60_000)
    server.launch("after-all", slots=4)
    expect(page.get_by_text("after-all").first).to_be_visible()


def test_a_key_is_shown_once_and_works(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name", exact=False).first.fill("the bot")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_text(re.compile(r"^xp-[\w-]{20,}$")).first.inner_text()
    assert server.get("/v1/models", key=key).status == 200
    assert one.findings() == []
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name="What to do with the bot").click()
    page.get_by_role("menuitem", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("the bot is revoked.")).to_be_visible()
    assert server.get("/v1/models", key=key).status == 401
