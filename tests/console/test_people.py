"""Keys, one's own way in, users and projects, sign-in, limits, audit and usage."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.test_way_in import enter
from tests.console.visit import Visit
from tests.support.server import Server

OWN = "a-password-of-my-own-1"
FIRST = "first-password-of-them-1"


def person(server: Server, name: str, role: str = "", project: str = "default") -> str:
    """Somebody with a password of their own."""
    made = server.post("/api/users", {"username": name, "password": OWN})
    assert made.status == 201, made.body
    if role:
        path = f"/api/projects/{project}/members/users/{name}"
        given = server.request("PUT", path, {"role": role})
        assert given.status == 200, given.body
    return name


def press(where: Page | Locator, name: str) -> None:
    where.get_by_role("button", name=name, exact=True).click()


def choose(where: Page | Locator, label: str, option: str) -> None:
    field = where.get_by_role("combobox", name=label)
    field.click()
    field.page.get_by_role("option", name=option, exact=True).click()


def add(where: Locator, label: str, value: str) -> None:
    """To a list of values."""
    field = where.get_by_role("combobox", name=label)
    field.fill(value)
    field.press("Enter")
    # What it offers next lies over the buttons.
    field.press("Escape")


def act(page: Page, row: str, action: str) -> None:
    """By the menu of a row."""
    page.get_by_role("button", name=row).click()
    page.get_by_role("menuitem", name=action, exact=True).click()


def log_out(page: Page) -> None:
    press(page, "Your account")
    page.get_by_role("menuitem", name="Log out").click()
    page.wait_for_url("**/ui/login")


def prove(page: Page, title: str, button: str, password: str = OWN) -> None:
    """In the drawer that asks for the password once more."""
    drawer = page.get_by_role("dialog", name=title)
    drawer.get_by_label("Your password").fill(password)
    press(drawer, button)


@pytest.fixture(scope="module")
def reached(server: Server) -> str:
    server.launch("reached-one", slots=4)
    return "reached-one"


# --- keys ---


def test_a_key_reaches_what_it_names_and_is_rotated(
    visit: Callable[..., Visit], server: Server, reached: str
) -> None:
    server.launch("hidden-one", slots=4)
    one = visit()
    page = one.go("/keys?new=true")
    drawer = page.get_by_role("dialog", name="New key")
    drawer.get_by_label("Name", exact=False).first.fill("narrow")
    drawer.get_by_role("combobox", name="It may", exact=True).click()
    page.get_by_role("option", name="what I choose").click()
    drawer.get_by_role("combobox", name="Permissions").fill("models.use")
    page.get_by_role("option", name="models.use").click()
    add(drawer, "Models it may call", "reached-*")
    expect(drawer.get_by_text("Matches reached-one.")).to_be_visible()
    press(drawer, "Make the key")
    shown = page.get_by_label("The key", exact=True)
    key = shown.inner_text()

    def status(model: str, with_key: str) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return server.post("/v1/chat/completions", body, key=with_key).status

    # The call that it shows is one that works.
    expect(page.get_by_label("Try it")).to_contain_text("reached-one")
    assert (status(reached, key), status("hidden-one", key)) == (200, 404)
    assert server.get("/api/launches", key=key).status == 403
    press(page, "I have copied it")
    # Both work for a while; what is revoked does not.
    act(page, "What to do with narrow", "Rotate")
    page.get_by_role("combobox", name="The old one works on for").click()
    page.get_by_role("option").filter(has_text=re.compile("^1 h")).click()
    press(page.get_by_role("dialog", name="Rotate narrow"), "Rotate")
    second = shown.inner_text()
    assert second != key
    assert (status(reached, key), status(reached, second)) == (200, 200)
    press(page, "I have copied it")
    row = page.get_by_role("row").filter(has_text="rotated")
    row.get_by_role("button", name="narrow", exact=True).click()
    details = page.get_by_role("dialog", name="narrow")
    expect(details).to_contain_text("A newer key took its place.")
    expect(details).to_contain_text("models.use")
    assert one.findings() == []
    press(details, "Revoke")
    press(page.get_by_role("dialog", name="Revoke narrow?"), "Revoke")
    expect(page.get_by_text("narrow is revoked.")).to_be_visible()
    assert (status(reached, key), status(reached, second)) == (401, 200)


# --- one's own way in ---


def test_a_second_factor_of_ones_own(visit: Callable[..., Visit], server: Server) -> None:
    person(server, "bea", "developer")
    one = visit(user=None)
    page = one.go("/me")
    enter(one, "bea", OWN)
    # Another password: the old one is asked for, and is none any more.
    page.get_by_label("Password so far").fill("a wrong password")
    page.get_by_label("New password", exact=False).first.fill("another-password-of-bea")
    page.get_by_label("New password again").fill("another-password-of-bea")
    press(page, "Set the password")
    expect(page.get_by_text("The password is wrong.")).to_be_visible()
    page.get_by_label("Password so far").fill(OWN)
    press(page, "Set the password")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    # An authenticator app.
    press(page, "Set it up")
    prove(page, "Authenticator app", "Set it up", "not the password")
    expect(page.get_by_role("dialog").get_by_text("The password is wrong.")).to_be_visible()
    prove(page, "Authenticator app", "Set it up", "another-password-of-bea")
    drawer = page.get_by_role("dialog", name="Authenticator app")
    secret = drawer.locator("code").inner_text()
    drawer.get_by_label("Code").fill("000000")
    press(drawer, "Confirm")
    expect(drawer.get_by_role("alert")).to_be_visible()
    drawer.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    press(drawer, "Confirm")
    codes = page.get_by_role("dialog").locator("pre").inner_text().split()
    assert len(codes) == 10
    assert one.findings() == []
    press(page, "I have kept them")
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
    # The password alone does not do any more, a code is good once.
    log_out(page)
    enter(one, "bea", OWN)
    expect(page.get_by_role("alert")).to_be_visible()
    enter(one, "bea", "another-password-of-bea")
    page.get_by_label("Code").fill(codes[0])
    press(page, "Log in")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page = one.go("/me")
    expect(page.get_by_text("9 recovery codes are left")).to_be_visible()
    press(page, "New recovery codes")
    prove(page, "New recovery codes", "New recovery codes", "another-password-of-bea")
    fresh = page.get_by_role("dialog").locator("pre").inner_text().split()
    assert not set(fresh) & set(codes)
    press(page, "I have kept them")
    log_out(page)
    enter(one, "bea", "another-password-of-bea")
    page.get_by_label("Code").fill(codes[1])
    press(page, "Log in")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Code").fill(fresh[1])
    press(page, "Log in")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    # Without it the password is enough again.
    page = one.go("/me")
    press(page, "Remove")
    prove(page, "Remove the authenticator app", "Remove", "another-password-of-bea")
    expect(page.get_by_text("The authenticator app is removed.")).to_be_visible()
    log_out(page)
    enter(one, "bea", "another-password-of-bea")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_a_passkey(visit: Callable[..., Visit], server: Server) -> None:
    person(server, "pia", "developer")
    one = visit(user=None)
    devices = one.context.new_cdp_session(one.page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    # Browsers make none for a bare address.
    page = one.go("/login")
    expect(page.get_by_role("button", name="With a passkey")).to_have_count(0)
    page.goto(f"http://localhost:{server.port}/ui/me")
    enter(one, "pia", OWN)
    press(page, "Add a passkey")
    drawer = page.get_by_role("dialog", name="Add a passkey")
    drawer.get_by_label("Name, to tell it from others").fill("my laptop")
    prove(page, "Add a passkey", "Add")
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    press(page, "I have kept them")
    expect(page.get_by_role("cell", name="my laptop")).to_be_visible()
    assert one.findings() == []
    # It lets in by itself, and after the password.
    log_out(page)
    press(page, "With a passkey")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    log_out(page)
    enter(one, "pia", OWN)
    expect(page.get_by_label("Code")).to_be_visible()
    press(page, "With a passkey")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.goto(f"http://localhost:{server.port}/ui/me")
    row = page.get_by_role("row").filter(has_text="my laptop")
    expect(row).not_to_contain_text("never")
    press(row, "Remove")
    prove(page, "Remove the passkey my laptop", "Remove")
    expect(page.get_by_text("You have none.")).to_be_visible()


def test_log_out_everywhere(visit: Callable[..., Visit], server: Server) -> None:
    person(server, "eve", "viewer")
    here, there = visit(user=None), visit(user=None)
    for one in (here, there):
        one.log_in("eve", OWN)
    programs = server.post("/token", {"username": "eve", "password": OWN}, key=None)
    assert programs.status == 200, programs.body
    token = programs.json()["access_token"]
    assert server.get("/api/me", key=token).status == 200
    page = here.go("/me")
    expect(page.get_by_role("table", name="Logins").get_by_role("row")).to_have_count(2)
    there.go("/running")
    expect(there.page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    press(page, "Log out everywhere")
    press(page.get_by_role("dialog", name="Log out everywhere?"), "Log out everywhere")
    page.wait_for_url("**/ui/login")
    assert server.get("/api/me", key=token).status == 401
    # The other browser goes there by itself.
    there.page.wait_for_url("**/ui/login*")


# --- users and projects ---


def test_somebody_new_in_a_project(visit: Callable[..., Visit], server: Server) -> None:
    boss = visit()
    page = boss.go("/projects")
    press(page, "New project")
    drawer = page.get_by_role("dialog", name="New project")
    drawer.get_by_label("Title").fill("Night Shift 2")
    expect(drawer.get_by_label("Name", exact=False).first).to_have_value("night-shift-2")
    press(drawer, "Make the project")
    page.wait_for_url("**/ui/projects/night-shift-2")
    expect(page.get_by_text("No members")).to_be_visible()
    page = boss.go("/users")
    press(page, "New user")
    drawer = page.get_by_role("dialog", name="New user")
    drawer.get_by_label("Name", exact=False).first.fill("nia")
    drawer.get_by_label("Password", exact=False).first.fill("short")
    press(drawer, "Make the user")
    expect(drawer.get_by_text("This password is too short.")).to_be_visible()
    drawer.get_by_label("Password", exact=False).first.fill(FIRST)
    press(drawer, "Make the user")
    expect(page.get_by_text("nia is there.")).to_be_visible()
    page = boss.go("/projects/night-shift-2")
    press(page, "Add a member")
    drawer = page.get_by_role("dialog", name="Add a member")
    drawer.get_by_label("Name").fill("nobody-by-that-name")
    press(drawer, "Add")
    expect(drawer.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    drawer.get_by_label("Name").fill("nia")
    drawer.get_by_role("radio", name="viewer").check()
    press(drawer, "Add")
    row = page.get_by_role("row").filter(has_text="nia")
    expect(row.get_by_role("combobox", name="Role of nia")).to_have_value("viewer")
    assert boss.findings() == []
    # The password that they were given is good for one login.
    one = visit(user=None)
    mine = one.go("/")
    enter(one, "nia", FIRST)
    mine.get_by_label("Password so far").fill(FIRST)
    mine.get_by_label("New password", exact=False).first.fill(OWN)
    mine.get_by_label("New password again").fill(OWN)
    press(mine, "Set the password")
    expect(mine.get_by_role("heading", name="Home")).to_be_visible()
    mine = one.go("/projects")
    expect(mine.get_by_role("row").filter(has_text="Night Shift 2")).to_contain_text("viewer")
    expect(mine.get_by_role("link", name="Launch", exact=True)).to_have_count(0)
    # What the role gives is theirs without a new login.
    choose(page, "Role of nia", "developer")
    expect(mine.get_by_role("link", name="Launch", exact=True)).to_be_visible()
    # Without any role the project is gone, and the page says what to do.
    press(row, "Remove")
    press(page.get_by_role("dialog", name="Remove nia?"), "Remove")
    expect(row).to_have_count(0)
    mine = one.go("/projects")
    expect(mine.get_by_text("You are in no project yet.")).to_be_visible()
    page = boss.go("/users")
    act(page, "What to do with nia", "Disable")
    press(page.get_by_role("dialog", name="Disable nia?"), "Disable")
    expect(page.get_by_role("row").filter(has_text="nia")).to_contain_text("disabled")
    act(page, "What to do with nia", "Delete")
    press(page.get_by_role("dialog", name="Delete nia?"), "Delete")
    expect(page.get_by_text("nia is deleted.")).to_be_visible()


# --- sign-in ---


def test_an_application(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/sign-in?tab=applications")
    press(page, "New application")
    drawer = page.get_by_role("dialog", name="New application")
    drawer.get_by_label("Name", exact=False).first.fill("the dashboard")
    press(drawer, "Add")
    expect(drawer.get_by_text("name the addresses to which people are sent back")).to_be_visible()
    add(drawer, "Redirect URIs", "http://elsewhere.example/back")
    press(drawer, "Add")
    expect(drawer.get_by_text("is no address to send people back to")).to_be_visible()
    press(drawer, "Cancel")
    expect(drawer).to_have_count(0)
    # One that acts for itself: its secret gets a token, for what it may ask for.
    press(page, "New application")
    drawer.get_by_label("Name", exact=False).first.fill("the dashboard")
    choose(page, "How it logs in", "for itself, by its secret")
    add(drawer, "Permissions", "models.read")
    press(drawer, "Add")
    credentials = page.get_by_role("dialog", name="Its credentials")
    client = credentials.get_by_label("Client id", exact=True).inner_text()
    secret = credentials.get_by_label("Client secret", exact=True).inner_text()
    assert one.findings() == []
    press(credentials, "I have copied it")

    def token(of: str, scope: str) -> Any:
        body = f"grant_type=client_credentials&client_id={client}&client_secret={of}&scope={scope}"
        return server.request(
            "POST", "/oauth/token", body.encode(), key=None,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip

    assert token(secret, "models.read").status == 200
    assert token(secret, "launches.read").status == 400
    # Other permissions, and another secret.
    row = "What to do with the dashboard"
    act(page, row, "Edit")
    drawer = page.get_by_role("dialog", name="the dashboard")
    drawer.get_by_label("Name", exact=False).first.fill("the dashboards")
    add(drawer, "Permissions", "no.such.thing")
    press(drawer, "Save")
    expect(drawer.get_by_text("There is no scope 'no.such.thing'.")).to_be_visible()
    drawer.get_by_role("combobox", name="Permissions").press("Backspace")
    add(drawer, "Permissions", "launches.read")
    press(drawer, "Save")
    expect(drawer).to_have_count(0)
    expect(page.get_by_role("cell", name="the dashboards", exact=True)).to_be_visible()
    assert token(secret, "launches.read").status == 200
    row = "What to do with the dashboards"
    act(page, row, "New secret")
    press(page.get_by_role("dialog", name=re.compile("secret")), "New secret")
    other = credentials.get_by_label("Client secret", exact=True).inner_text()
    press(credentials, "I have copied it")
    assert (token(secret, "models.read").status, token(other, "models.read").status) == (401, 200)
    act(page, row, "Remove")
    press(page.get_by_role("dialog", name="Remove the dashboards?"), "Remove")
    expect(page.get_by_role("cell", name="the dashboards", exact=True)).to_have_count(0)
    assert token(other, "models.read").status == 401
    # The command line's own stays, and nobody is offered to take it away.
    press(page, "What to do with xplatform command line")
    expect(page.get_by_role("menuitem", name="Disable")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Remove")).to_have_count(0)


def test_a_provider_that_cannot_be_reached(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("/sign-in")
    press(page, "New provider")
    drawer = page.get_by_role("dialog", name="New provider")
    drawer.get_by_label("Name", exact=False).first.fill("house")
    drawer.get_by_label("Title").fill("The House")
    drawer.get_by_label("Issuer").fill("https://127.0.0.1:9/realms/house")
    drawer.get_by_label("Client id").fill("xplatform")
    press(drawer, "Add a rule")
    drawer.get_by_label("Claim", exact=True).fill("groups")
    drawer.get_by_label("Has the value").fill("ops-*")
    choose(drawer, "Role", "developer")
    choose(drawer, "Project", "default")
    assert one.findings() == []
    press(drawer, "Save")
    expect(page.get_by_role("heading", name="The House")).to_be_visible()
    press(page, "Check")
    expect(page.get_by_role("status").filter(has_text="127.0.0.1")).to_be_visible()
    # Its button is at the login, until it is switched off.
    stranger = visit(user=None)
    login = stranger.go("/login")
    expect(login.get_by_role("link", name="With The House")).to_be_visible()
    press(page, "Edit")
    drawer = page.get_by_role("dialog", name="The House")
    expect(drawer.get_by_label("Has the value")).to_have_value("ops-*")
    drawer.get_by_label("Switched on").uncheck()
    press(drawer, "Save")
    expect(page.get_by_text("switched off")).to_be_visible()
    login = stranger.go("/login")
    expect(login.get_by_label("Name")).to_be_visible()
    expect(login.get_by_role("link", name="With The House")).to_have_count(0)
    press(page, "Remove")
    press(page.get_by_role("dialog", name="Remove The House?"), "Remove")
    expect(page.get_by_text("No providers")).to_be_visible()


# --- limits, audit, usage ---


def test_a_limit_holds_until_it_is_taken_away(
    visit: Callable[..., Visit], server: Server, reached: str
) -> None:
    one = visit()
    page = one.go("/limits")
    press(page, "New limit")
    drawer = page.get_by_role("dialog", name="New limit")
    choose(page, "For whom", "Everybody together")
    drawer.get_by_label("At most").fill("0")
    drawer.get_by_label("Models").fill("reached-*")
    drawer.get_by_label("Note").fill("closed for a while")
    press(drawer, "Set the limit")
    row = page.get_by_role("row").filter(has_text="closed for a while")
    expect(row).to_contain_text("requests a minute")
    assert server.chat(reached).status == 429
    press(row, "What to do with this limit")
    page.get_by_role("menuitem", name="Edit").click()
    drawer = page.get_by_role("dialog", name="Change the limit")
    drawer.get_by_label("At most").fill("1000")
    press(drawer, "Save")
    expect(row).to_contain_text("1,000")
    assert server.chat(reached).status == 200
    assert one.findings() == []
    press(row, "What to do with this limit")
    page.get_by_role("menuitem", name="Remove").click()
    press(page.get_by_role("dialog", name="Take this limit away?"), "Remove")
    expect(row).to_have_count(0)


def test_what_was_done_is_found_and_taken_along(
    visit: Callable[..., Visit], server: Server
) -> None:
    made = server.post("/api/keys", {"name": "a key to be found"}).json()
    one = visit()
    page = one.go("/audit")
    page.get_by_label("Action", exact=True).fill("key.create")
    page.get_by_label("Its name").fill(made["id"])
    row = page.get_by_role("row").filter(has_text=made["id"])
    expect(row).to_have_count(1)
    expect(page.get_by_text("1 entry, that is all.")).to_be_visible()
    row.get_by_role("button", name="key.create").click()
    expect(page.get_by_role("dialog")).to_contain_text("a key to be found")
    page.keyboard.press("Escape")
    # The address holds the search, the file has what it found.
    page.reload()
    expect(row).to_have_count(1)
    press(page, "Export")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="JSONL").click()
    lines = download.value.path().read_text().splitlines()
    assert [json.loads(line)["thing_id"] for line in lines] == [made["id"]]
    page.get_by_label("Its name").fill("nothing like that")
    expect(page.get_by_text("Nothing like that was done")).to_be_visible()


def test_usage_as_a_file(visit: Callable[..., Visit], server: Server, reached: str) -> None:
    assert server.chat(reached).status == 200
    one = visit()
    page = one.go("/usage?model=reached-one")
    row = page.get_by_role("row").filter(has_text="reached-one")

    def is_there() -> bool:  # it is written some moments after the answer
        page.reload()
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        return bool(row.count())

    assert any(is_there() for _ in range(30)), "the model is not in the usage"
    press(page, "Export")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert rows
    assert {each["model"] for each in rows} == {"reached-one"}
