"""Events as they happen, and links that show somebody else the same."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.console.visit import Visit
from tests.support.server import Server


def test_a_filter_is_live_and_its_link_shows_it_to_another(
    visit: Callable[..., Visit], server: Server
) -> None:
    server.launch("watched")
    server.launch("unseen")
    one = visit()
    # As over plain HTTP from another machine: the browser lets no page at its clipboard.
    one.page.add_init_script("delete Navigator.prototype.clipboard")
    page = one.go("/events")
    field = page.get_by_role("textbox", name="Text")
    field.fill("watched")
    expect(page).to_have_url(re.compile("text=watched"))
    table = page.get_by_role("table", name="List of events")
    expect(table).to_contain_text("watched")
    expect(table).not_to_contain_text("unseen")
    page.get_by_role("button", name="Copy a link to what is shown").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    address = page.url
    field.fill("")
    field.press("ControlOrMeta+V")
    expect(field).to_have_value(address)
    field.fill("watched")

    another = visit(color_scheme="dark")
    other = another.page
    other.goto(address)
    expect(other.get_by_role("textbox", name="Text")).to_have_value("watched")
    theirs = other.get_by_role("table", name="List of events")
    expect(theirs).to_contain_text("watched")
    expect(theirs).not_to_contain_text("unseen")
    assert another.findings() == []
    # Both see what happens next.
    server.launch("watched-too")
    for shown in (table, theirs):
        expect(shown).to_contain_text("watched-too")
    for uid in ("watched", "unseen", "watched-too"):
        server.request("DELETE", f"/api/launches/{uid}")
