"""Running models: changed from the list, looked into on their page, called by its samples."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.operating.conftest import MIB, SLOW
from tests.console.visit import Visit
from tests.files.hub import Hub
from tests.support.server import Answer, Server, wait_for


@pytest.fixture
def launched(server: Server) -> Iterator[Callable[..., str]]:
    """Launches one under a name of this test; it ends with it."""
    names: list[str] = []

    def launch(uid: str, **values: Any) -> str:
        names.append(uid)
        server.launch(uid, **values)
        return uid

    yield launch
    for uid in names:
        server.request("DELETE", f"/api/launches/{uid}")


@contextmanager
def asking(server: Server, uid: str, tokens: int) -> Iterator[list[Answer]]:
    """A request is under way; in the end its answer is in the list."""
    answers: list[Answer] = []
    body = {"model": uid, "messages": [{"role": "user", "content": "x"}], "max_tokens": tokens}

    def ask() -> None:
        answers.append(server.post("/v1/chat/completions", body, timeout=300))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_for(lambda: server.busy(uid), "the request to run")
        yield answers
    finally:
        thread.join(300)


def called(server: Server, uid: str, key: str) -> Answer:
    body = {"model": uid, "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
    return server.post("/v1/chat/completions", body, key=key)


def choose(page: Page, uid: str, what: str, sure: bool = False) -> None:
    """An entry of the menu of a row."""
    page.get_by_role("button", name=f"Actions for {uid}").click()
    page.get_by_role("menuitem", name=what, exact=True).click()
    if sure:
        page.get_by_role("dialog").get_by_role("button", name=what, exact=True).click()


def test_changed_from_the_list(
    visit: Callable[..., Visit], server: Server, launched: Callable[..., str]
) -> None:
    uid = launched("bee", options={"step_ms": 20})
    one = visit()
    page = one.go("/running?q=bee")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=uid, exact=True))
    expect(row).to_contain_text("1 / 1")

    choose(page, uid, "Scale")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Replicas at least").fill("3")
    dialog.get_by_label("Replicas at most").fill("2")
    dialog.get_by_role("button", name="Scale", exact=True).click()
    expect(dialog.get_by_text("max_replicas")).to_be_visible()
    assert one.findings() == []
    dialog.get_by_label("Replicas at least").fill("2")
    dialog.get_by_role("button", name="Scale", exact=True).click()
    expect(row).to_contain_text("2 / 2")

    pin = page.get_by_role("img", name="Pinned")
    choose(page, uid, "Pin")
    expect(pin).to_be_visible()
    assert server.launch_state(uid)["pinned"] is True
    choose(page, uid, "Unpin")
    expect(pin).to_have_count(0)

    choose(page, uid, "Scale")
    dialog.get_by_label("Replicas at most").fill("1")
    dialog.get_by_label("Replicas at least").fill("1")
    dialog.get_by_role("button", name="Scale", exact=True).click()
    expect(row).to_contain_text("1 / 1")
    before = server.replica(uid)["epoch"]
    # Requests that run are finished by the one that goes.
    with asking(server, uid, 100) as answers:
        choose(page, uid, "Restart", sure=True)
        wait_for(lambda: server.replica(uid).get("epoch", 0) > before, "another replica", 40)
    assert answers[0].status == 200
    assert answers[0].json()["usage"]["completion_tokens"] == 100
    expect(row).to_contain_text("ready")

    choose(page, uid, "Drain and terminate", sure=True)
    expect(row).to_have_count(0)
    page.get_by_text("Past", exact=True).click()
    row.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile(r"/running/bee"))
    expect(page.get_by_role("main").get_by_text("ready").first).to_be_visible()


def test_replicas_come_and_go_one_by_one(
    visit: Callable[..., Visit], server: Server, launched: Callable[..., str]
) -> None:
    uid = launched("pair")
    one = visit()
    page = one.go(f"/running/{uid}")
    table = page.get_by_role("table", name="Replicas")
    live = table.get_by_role("row").filter(has_text="ready")
    expect(live).to_have_count(1)
    page.get_by_role("button", name="Add a replica").click()
    expect(live).to_have_count(2)
    first = server.launch_state(uid)["replicas"][0]["epoch"]
    page.get_by_role("button", name=f"Actions for {first}").click()
    move = page.get_by_role("menuitem", name="Move elsewhere")
    expect(move).to_contain_text("No other machine is up")
    expect(move).to_be_disabled()
    page.keyboard.press("Escape")
    last = max(r["epoch"] for r in server.launch_state(uid)["replicas"])
    choose(page, str(last), "Drain and remove", sure=True)
    expect(live).to_have_count(1)
    wanted = server.launch_state(uid)
    assert (wanted["min_replicas"], wanted["max_replicas"]) == (1, 1)
    assert one.findings() == []


def test_a_request_is_seen_and_cancelled(
    visit: Callable[..., Visit], server: Server, launched: Callable[..., str]
) -> None:
    uid = launched("slow", slots=1, options={"step_ms": 50})
    one = visit()
    page = one.go(f"/running/{uid}?tab=requests")
    expect(page.get_by_text("No requests right now")).to_be_visible()
    with asking(server, uid, 4000) as answers:
        row = page.get_by_role("table", name="Requests").get_by_role("row").nth(1)
        expect(row).to_contain_text("running")
        expect(row).to_contain_text(re.compile(r"chat"))
        assert one.findings() == []
        # What it does is in the charts while it does it.
        page.get_by_role("tab", name="Overview").click()
        chart = page.get_by_role("img", name=re.compile(r"^Requests at once.* now 1$"))
        expect(chart).to_be_visible()
        page.get_by_role("tab", name="Requests").click()
        row.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("The request was cancelled.")).to_be_visible()
    assert answers[0].status != 200 or answers[0].json()["usage"]["completion_tokens"] < 4000
    expect(page.get_by_text("No requests right now")).to_be_visible()


def test_the_samples_run_as_they_stand(
    visit: Callable[..., Visit], server: Server, launched: Callable[..., str]
) -> None:
    uid = launched("called", options={"step_ms": 1})
    one = visit()
    page = one.go(f"/running/{uid}?tab=use")
    curl = page.get_by_role("tabpanel", name="curl").locator("pre")
    expect(curl).to_contain_text("YOUR_API_KEY")
    page.get_by_role("button", name="Make a key for this model").click()
    expect(curl).to_contain_text("xp-")
    assert one.findings() == []
    said = subprocess.run(
        ["/bin/sh", "-c", curl.inner_text()], capture_output=True, text=True, check=True
    )
    assert json.loads(said.stdout)["choices"][0]["message"]["content"].startswith("0 1 2")
    page.get_by_role("tab", name="Python").click()
    python = page.get_by_role("tabpanel", name="Python").locator("pre").inner_text()
    ran = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("0 1 2")
    # The key is for this model alone.
    found = re.search(r"xp-[\w-]{20,}", python)
    assert found
    launched("other")
    assert called(server, uid, found[0]).status == 200
    assert called(server, "other", found[0]).status == 404


def test_a_launch_from_a_hub_is_followed_cancelled_and_done(
    visit: Callable[..., Visit], server: Server, hub: Hub
) -> None:
    file = hub.behaviour["llama.gguf"]
    file.rate = SLOW
    one = visit()
    page = one.go("/launch")
    page.get_by_text("Repository", exact=True).click()
    page.get_by_label("Repository", exact=False).last.fill("acme/llama")
    page.get_by_label("Name to call it by").fill("from-hub")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page).to_have_url(re.compile(r"/running/from-hub"))
    step = page.locator("[aria-current=step]")
    expect(step).to_contain_text("Files")
    expect(page.get_by_text(re.compile(r"^Files.*downloading llama.gguf \d.*/s$"))).to_be_visible()
    progress = page.get_by_role("progressbar", name="Progress of from-hub").first
    expect(progress).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    expect(progress).to_have_attribute("aria-valuetext", re.compile(r"^[1-9]\d?%$"))
    assert one.findings() == []
    page.get_by_role("button", name="Cancel the launch").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel the launch").click()
    expect(page.get_by_text("Terminated", exact=True)).to_be_visible()
    had = hub.sent["llama.gguf"]

    file.rate = 0
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("link", name="Chat with it")).to_be_visible(timeout=90_000)
    assert hub.sent["llama.gguf"] < had + 13 * MIB, "what had come was fetched again"
    page.get_by_role("tab", name="Logs").click()
    page.get_by_role("radiogroup", name="Output or log").get_by_text("Log", exact=True).click()
    expect(page.get_by_role("log", name="Log of from-hub")).to_be_visible()
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("tabpanel", name="Events")).to_contain_text("ready")
    assert one.findings() == []
    server.request("DELETE", "/api/launches/from-hub")
