"""Files: fetched ahead with pauses, given up, and removed when nobody needs them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.console.operating.conftest import MIB, SIZE, SLOW, register
from tests.console.visit import Visit
from tests.files.hub import Hub
from tests.support.server import Server, wait_for

SOME = re.compile(r"\d [KM]iB of 12 MiB · .*/s · .* · downloading \w+\.gguf$")


def fetch(one: Visit, name: str) -> Locator:
    """From the model's page; its card on the page of files."""
    page = one.go(f"/models/llm/our-{name}")
    page.get_by_role("button", name="Download ahead").click()
    page.get_by_role("link", name="Downloading to local").click()
    return page.get_by_role("article", name=f"acme/{name}")


def row_of(page: Page, name: str) -> Locator:
    return (
        page.get_by_role("table", name="Files on the nodes")
        .get_by_role("row")
        .filter(has_text=name)
    )


def test_downloads_are_paused_resumed_and_given_up(
    visit: Callable[..., Visit], server: Server, hub: Hub
) -> None:
    for name in ("first", "second"):
        register(server, name)
        hub.behaviour[f"{name}.gguf"].rate = SLOW
    one = visit()
    first = fetch(one, "first")
    expect(first.get_by_text(SOME)).to_be_visible()
    page = one.page
    expect(first.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    assert one.findings() == []

    page.get_by_role("button", name="Pause acme/first").click()
    resume = page.get_by_role("button", name="Resume acme/first")
    expect(resume).to_be_visible()
    expect(first).to_contain_text("paused")
    page.reload()
    expect(resume).to_be_visible()
    had = hub.sent["first.gguf"]
    assert 0 < had < SIZE

    second = fetch(one, "second")
    expect(second.get_by_text(SOME)).to_be_visible()
    assert hub.sent["first.gguf"] == had, "it was paused"
    page.get_by_role("button", name="Cancel acme/second").click()
    expect(second).to_contain_text("cancelled")
    page.get_by_role("button", name="Forget acme/second").click()
    expect(second).to_have_count(0)

    hub.behaviour["first.gguf"].rate = 0
    resume.click()
    expect(first).to_contain_text("done")
    assert hub.sent["first.gguf"] < SIZE + 2 * MIB, "what had come was fetched again"
    row = row_of(page, "acme/first")
    expect(row).to_contain_text("12 MiB")
    expect(row).to_contain_text("nobody")
    page.get_by_role("button", name="Forget acme/first").click()
    expect(first).to_have_count(0)
    assert one.findings() == []


def test_files_in_use_are_kept_and_others_removed(
    visit: Callable[..., Visit], server: Server, hub: Hub
) -> None:
    source = {"hub": "huggingface", "id": "acme/third", "entry": "third.gguf"}
    for uid in ("reader", "second-reader"):
        answer = server.post("/api/launches", {"uid": uid, "engine": "fake", "source": source})
        assert answer.status == 201, answer.body
    wait_for(
        lambda: {server.state(uid) for uid in ("reader", "second-reader")} == {"ready"}, "both", 60
    )
    one = visit()
    page = one.go("/files")
    row = row_of(page, "acme/third")
    expect(row).to_contain_text(re.compile(r"reader, replica \d+and 1 more"))
    menu = page.get_by_role("button", name="Actions for acme/third")
    remove = page.get_by_role("menuitem", name="Remove")
    menu.click()
    expect(remove).to_be_disabled()
    for uid in ("reader", "second-reader"):
        expect(remove).to_contain_text(re.compile(rf"\b{uid}, replica \d"))
    assert one.findings() == []
    page.keyboard.press("Escape")

    for uid in ("reader", "second-reader"):
        assert server.request("DELETE", f"/api/launches/{uid}").status == 200
    expect(row).to_contain_text("nobody")
    menu.click()
    remove.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("frees 12 MiB")
    assert one.findings() == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(row).to_be_visible()
    menu.click()
    remove.click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("acme/third was removed.")).to_be_visible()
    expect(row).to_have_count(0)
    [node] = server.get("/api/files").json()["nodes"]
    assert "acme/third" not in [entry["name"] for entry in node["cached"]]
