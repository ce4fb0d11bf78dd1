"""Getting in, and what is asked of people on their way."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pyotp
import pytest
from playwright.sync_api import expect

from tests.console.visit import ADMIN, PASSWORD, Visit
from tests.support.server import Server, serving


def enter(visit: Visit, user: str, password: str) -> None:
    page = visit.page
    page.get_by_label("Name").fill(user)
    page.get_by_label("Password", exact=False).first.fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_deep_link_waits_behind_the_login(visit: Callable[..., Visit]) -> None:
    one = visit(user=None)
    page = one.go("/keys")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert one.findings() == []
    enter(one, ADMIN, "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("password")
    enter(one, ADMIN, PASSWORD)
    page.wait_for_url("**/ui/keys")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Log out").click()
    page.wait_for_url("**/ui/login")
    # Nobody is logged in any more, whatever the page remembers.
    one.go("/keys")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize("next", ["//elsewhere.example/ui", "/login", "/login?next=/login"])
def test_a_link_that_leads_nowhere_of_ours_is_not_followed(
    visit: Callable[..., Visit], next: str
) -> None:
    one = visit(user=None)
    page = one.go(f"/login?next={quote(next)}")
    enter(one, ADMIN, PASSWORD)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert page.url == f"{one.server.base}/ui/"


def test_a_password_that_somebody_else_set_is_changed_first(
    visit: Callable[..., Visit], server: Server
) -> None:
    made = server.post("/api/users", {"username": "ann", "password": "first-password-1"})
    assert made.status == 201, made.body
    assert (
        server.request("PUT", "/api/users/ann/password", {"password": "first-password-2"}).status
        == 204
    )
    one = visit(user=None)
    page = one.go("/")
    enter(one, "ann", "first-password-2")
    page.get_by_label("Password so far").fill("first-password-2")
    page.get_by_label("New password", exact=False).first.fill("short")
    page.get_by_label("New password again").fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("At least 10 characters.")).to_be_visible()
    page.get_by_label("New password", exact=False).first.fill("a-password-of-my-own")
    page.get_by_label("New password again").fill("a-password-of-my-own")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_a_second_factor_that_is_demanded_is_set_up_first(chromium: object) -> None:
    with serving(XPLATFORM_REQUIRE_SECOND_FACTOR="all") as server:
        one = Visit(chromium, server)
        page = one.go("/")
        enter(one, ADMIN, PASSWORD)
        expect(page.get_by_text("asks for a second factor")).to_be_visible()
        page.get_by_label("Password", exact=False).first.fill(PASSWORD)
        page.get_by_role("button", name="Set it up").click()
        secret = page.locator("code").inner_text()
        page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Confirm").click()
        codes = page.locator("pre").inner_text().split()
        assert len(codes) == 10
        page.get_by_role("button", name="I have kept them").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        # The next time it is asked for; a code of the app is good once, so one of these.
        other = Visit(chromium, server)
        page = other.go("/")
        enter(other, ADMIN, PASSWORD)
        page.get_by_label("Code").fill(codes[0])
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        assert one.close() + other.close() == []
