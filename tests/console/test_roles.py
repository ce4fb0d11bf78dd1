"""What each role sees: links that lead somewhere, and nothing that the server refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect

from tests.console.test_every_page import routes
from tests.console.test_people import OWN, person
from tests.console.visit import Visit
from tests.support.server import Server

#: role → what its navigation has more than the one before it
LINKS = {
    "": ["Home", "Profile"],
    "viewer": ["Models", "Running", "Events", "Projects", "Limits"],
    "developer": ["Launch", "Playground", "Nodes", "API keys", "Usage"],
    "admin": ["Single sign-on", "Audit", "Settings"],
    "owner": [],
}
#: a page → buttons and links on it, each with the least role that is offered it
OFFERS = {
    "/projects/default": {
        "Add a member": "admin", "Change the title": "owner", "Archive": "nobody here",
    },
    "/projects": {"New project": "nobody here"},
    "/limits": {"New limit": "admin"},
    "/models/llm/qwen3": {"Register a variant": "developer", "Delete": "nobody here"},
    "/running": {"Launch a model": "developer"},
    "/nodes": {"Add a machine": "nobody here"},
    "/keys": {"New key": "developer"},
    "/sign-in": {"New application": "admin", "New provider": "nobody here"},
}  # fmt: skip


def turn(page: Page, path: str) -> None:
    """To another page without loading the console anew: it is there when its title, or
    what the page begins with, has the focus."""
    path = {"/play": "/play/chat"}.get(path, path)  # which leads on to it
    page.evaluate("document.activeElement.blur()")
    page.evaluate("path => history.pushState({}, '', '/ui' + path)", path)
    expect(page.locator("#content :focus")).to_have_count(1)
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("role", LINKS)
def test_a_role(visit: Callable[..., Visit], server: Server, role: str) -> None:
    name = person(server, f"the-{role or 'stranger'}", role)
    one = visit(user=None)
    one.log_in(name, OWN)
    refused: list[str] = []

    def see(answer: Response) -> None:
        if answer.status in (401, 403):
            refused.append(f"{one.page.url} asked for {answer.url}")

    one.page.on("response", see)
    page = one.go("/")
    risen = list(LINKS)[: list(LINKS).index(role) + 1]
    navigation = page.get_by_role("navigation", name="Main")
    wanted = {link for each in risen for link in LINKS[each]}
    expect(navigation.get_by_role("link")).to_have_count(len(wanted))
    assert set(navigation.get_by_role("link").all_inner_texts()) == wanted
    closed = page.get_by_role("heading", name="You may not see this")
    # Each link leads to a page that is theirs, each other one says what is missing.
    for link in navigation.get_by_role("link").all():
        address = (link.get_attribute("href") or "").removeprefix("/ui")
        if address != "/":
            turn(page, address)
        expect(closed).to_have_count(0)
    assert refused == []
    for route in (route for route in routes() if "$" not in route):
        turn(page, route)
        if closed.count():
            expect(page.get_by_text("It needs the permission")).to_be_visible()
    for route, offers in OFFERS.items():
        turn(page, route)
        for offer, least in offers.items():
            found = page.get_by_role("main").get_by_text(offer, exact=True).first
            expect(found).to_be_visible(visible=least in risen)
    assert refused == []
    assert one.findings() == []
