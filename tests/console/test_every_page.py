"""Each page, with something on it: axe finds nothing serious, the browser complains of nothing, and
a picture of it is left in ``build/screenshots``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.visit import Visit
from tests.support.server import ROOT, Server, wait_for

PICTURES = ROOT / "build" / "screenshots"
#: what the places in addresses stand for here
THINGS = {
    "$kind": "llm", "$name": "qwen3", "$uid": "demo", "$slug": "default", "$what": "chat",
    "$part": "secrets",
}  # fmt: skip
#: pages whose last place means something else
OTHERS = {
    "/nodes/$name": "/nodes/local",
    "/models/$kind/$name/edit": "/models/llm/house-model/edit",
}

HOUSE_MODEL: dict[str, Any] = {
    "name": "house-model", "kind": "llm", "abilities": ["chat"],
    "specs": [
        {"format": "pytorch", "size": "1", "repositories": [{"hub": "huggingface", "id": "a/b"}]}
    ],
}  # fmt: skip


def routes() -> list[str]:
    """All that the router knows behind the login."""
    text = (ROOT / "frontend" / "src" / "app" / "router.tsx").read_text()
    found = re.findall(r"\bpage\(\s*'([^']+)'", text)
    assert len(found) > 20
    return found


def address(route: str) -> str:
    path = OTHERS.get(route, route)
    for place, thing in THINGS.items():
        path = path.replace(place, thing)
    assert "$" not in path, f"say in THINGS what stands for the place in {route}"
    return path


@pytest.fixture(scope="module")
def furnished(server: Server) -> Server:
    """A house with people, models and something that has failed."""
    assert server.chat("demo", "What is xplatform?", max_tokens=8).status == 200
    server.launch("helper", slots=4)
    server.post("/api/launches", {"uid": "broken", "engine": "fake", "model_path": "/dev/null",
                                  "options": {"die_in_load": 3}})  # fmt: skip
    for path, body in (
        ("/api/users", {"username": "ann", "password": "a-password-for-ann"}),
        ("/api/projects", {"slug": "research", "title": "Research"}),
        ("/api/keys", {"name": "the bot's"}),
        ("/api/registrations", {"family": HOUSE_MODEL}),
    ):
        answer = server.post(path, body)
        assert answer.status == 201, (path, answer.body)
    wait_for(lambda: server.launch_state("broken").get("reason"), "the broken one to say why")
    return server


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_pages(visit: Callable[..., Visit], furnished: Server, scheme: str, language: str) -> None:
    one = visit(locale=language, color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for route in routes():
        page = one.go(address(route))
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        name = route.strip("/").replace("/", "-").replace("$", "") or "home"
        one.shoot(PICTURES / f"{name}.{language[:2]}.{scheme}.png")
        if language == "en-US" and (serious := one.findings()):
            found[route] = serious
    assert found == {}


def test_pages_fit_a_phone(visit: Callable[..., Visit], furnished: Server) -> None:
    one = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wide = {}
    for route in routes():
        page = one.go(address(route))
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 390:
            wide[route] = width
    assert wide == {}


def test_pages_of_somebody_who_may_little(visit: Callable[..., Visit], furnished: Server) -> None:
    """Each page says what is missing; none breaks, none shows what it should not."""
    body = {"username": "vic", "password": "a-password-for-vic"}
    assert furnished.post("/api/users", body).status == 201
    role = furnished.request("PUT", "/api/projects/default/members/users/vic", {"role": "viewer"})
    assert role.status == 200, role.body
    one = visit(user=None)
    one.log_in("vic", "a-password-for-vic")
    for route in routes():
        page = one.go(address(route))
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        expect(page.get_by_text("This page has a mistake")).to_have_count(0)
    page = one.go("/users")
    expect(page.get_by_text("You may not see this")).to_be_visible()
    expect(page.get_by_text("users.manage")).to_be_visible()
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name="Running")).to_be_visible()
    expect(navigation.get_by_role("link", name="Settings")).to_have_count(0)
    assert one.findings() == []
