"""The catalogue: hundreds of cards, of which only those in sight exist."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.console.visit import Visit

NAME = "Qwen3-Embedding-0.6B"


def test_a_card_leads_to_its_model_by_mouse_and_by_key(visit: Callable[..., Visit]) -> None:
    page = visit().go("/models")
    page.get_by_role("searchbox").fill("qwen3 embedding")
    card = page.get_by_role("article", name=NAME, exact=True)
    page.evaluate("window.stayed = true")
    card.get_by_role("link", name=f"Launch {NAME}").click()
    expect(page).to_have_url(re.compile(rf"/ui/launch\?kind=embedding&name={re.escape(NAME)}"))
    page.go_back()
    card.get_by_role("link", name=f"Details of {NAME}").press("Enter")
    expect(page.get_by_role("heading", name=NAME, level=1)).to_be_visible()
    assert page.evaluate("window.stayed"), "the page was loaded anew"


def test_the_last_card_is_where_the_list_ends(visit: Callable[..., Visit]) -> None:
    page = visit().go("/models")
    cards = page.get_by_role("list", name="Models").get_by_role("listitem")
    expect(cards.first).to_be_visible()
    there = cards.count()
    page.keyboard.press("End")
    last = page.locator("[aria-posinset]").last
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-posinset", str(last.get_attribute("aria-setsize")))
    assert cards.count() < 2 * there, "cards that are out of sight are kept"
