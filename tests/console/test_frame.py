"""What is around every page: the palette, the menus of the header."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.visit import Visit


def hold(page: Page, pattern: str) -> list[Any]:
    """Requests for such files wait until they are let go on."""
    held: list[Any] = []

    def keep(route: Any) -> None:
        held.append(route)

    page.route(re.compile(pattern), keep)
    return held


def let_go(held: list[Any]) -> None:
    for route in held:
        route.continue_()


def wait_for(page: Page, held: list[Any]) -> None:
    while not held:
        page.wait_for_timeout(20)


@pytest.mark.parametrize("key", ["Control+k", "/"])
def test_the_palette_opens_though_its_code_comes_later(
    visit: Callable[..., Visit], key: str
) -> None:
    one = visit()
    held = hold(one.page, r"/assets/Palette-[^/]*\.js")
    page = one.go("/")
    page.keyboard.press(key)
    wait_for(page, held)
    expect(page.get_by_role("dialog")).to_have_count(0)
    let_go(held)
    field = page.get_by_placeholder("Go to a page")
    expect(field).to_be_focused()
    page.keyboard.type("event")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/events")
    expect(page.get_by_role("heading", name="Events", level=1)).to_be_focused()
    # And again, now that it is there.
    page.keyboard.press(key)
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_menu_opens_though_its_code_comes_later(visit: Callable[..., Visit]) -> None:
    one = visit()
    held = hold(one.page, r"/assets/ToolMenus-[^/]*\.js")
    page = one.go("/")
    button = page.get_by_role("button", name="Your account")
    button.press("Enter")
    wait_for(page, held)
    expect(page.get_by_role("menu")).to_have_count(0)
    let_go(held)
    expect(page.get_by_role("menuitem", name="Log out")).to_be_visible()
    expect(page.locator("[role=menu]:focus, [role=menu] :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()


def test_the_header_has_room_on_a_small_phone(visit: Callable[..., Visit]) -> None:
    page = visit(viewport={"width": 360, "height": 740}).go("/")
    header = page.get_by_role("banner")
    for control in header.locator("a, button, select").all():
        if box := control.bounding_box():
            assert box["x"] >= 0 and box["x"] + box["width"] <= 360, control.inner_html()
    assert header.get_by_role("combobox", name="Project").is_visible()
