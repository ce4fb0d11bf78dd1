"""A model of one's own: registered by the form and by text, called, changed, deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.test_flows import DEMO, answer_of, ask
from tests.console.visit import Visit
from tests.support.server import Server


@pytest.fixture
def cleared(server: Server) -> Iterator[None]:
    """Without registrations and launches of a test that went wrong on its way."""
    yield
    for one in server.get("/api/registrations").json():
        server.request("DELETE", f"/api/registrations/{one['kind']}/{one['name']}")
    server.request("DELETE", "/api/launches/by-hand")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def text_of(page: Page) -> str:
    return page.get_by_role("textbox", name="As text").input_value()


def test_from_a_path_to_an_answer(
    visit: Callable[..., Visit], server: Server, cleared: None
) -> None:
    one = visit()
    # What is nowhere is said where it was typed.
    page = one.go("/models/add")
    page.get_by_label("Where it is").fill("/nowhere/at/all.gguf")
    press(page, "Look")
    expect(page.get_by_text("There is no file or folder '/nowhere/at/all.gguf'")).to_be_visible()
    page.get_by_label("Where it is").fill(str(DEMO))
    press(page, "Look")
    expect(page.get_by_role("rowheader", name=DEMO.name)).to_be_visible()
    assert one.findings() == []
    page.get_by_role("link", name="Register", exact=True).click()
    # What its file says stands in the form and in the text.
    name = page.get_by_label("Name", exact=False).first
    expect(name).to_have_value(DEMO.stem)
    expect(page.get_by_label("Repository or path")).to_have_value(str(DEMO))
    name.fill("of a path")
    press(page, "Register")
    expect(page.get_by_text("takes at most 100 letters").first).to_be_visible()
    name.fill("of-a-path")
    press(page, "Register")
    expect(page.get_by_role("heading", name="of-a-path", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"version \d+ by admin, project default"))).to_be_visible()
    # Called by its name it starts by itself.
    page = one.go("/play/chat?model=of-a-path")
    ask(page, "What is xplatform?")
    expect(answer_of(page)).to_be_visible()
    # Launched by hand it runs under a name of its own.
    page = one.go("/models/llm/of-a-path")
    page.get_by_role("main").get_by_role("link", name="Launch", exact=True).click()
    page.get_by_label("Name to call it by").fill("by-hand")
    press(page, "Launch")
    page.get_by_role("link", name="Chat with it").click()
    ask(page, "What is xplatform?")
    expect(answer_of(page)).to_be_visible()
    # Deleted, only what was launched by hand runs on.
    page = one.go("/models/llm/of-a-path")
    press(page, "Delete")
    dialog = page.get_by_role("dialog", name="Delete of-a-path?")
    expect(dialog).to_contain_text("what was launched from it by hand runs on")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    press(page, "Delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("of-a-path is no longer registered.")).to_be_visible()
    page.wait_for_url("**/ui/models")
    page = one.go("/running")
    expect(page.get_by_role("link", name="by-hand", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="of-a-path", exact=True)).to_have_count(0)
    assert server.chat("by-hand").status == 200
    assert server.chat("of-a-path").status == 404


def test_what_is_wrong_stands_at_its_field(visit: Callable[..., Visit], cleared: None) -> None:
    one = visit()
    page = one.go("/models/register")

    def refused(label: str, why: str) -> None:
        press(page, "Register")
        field = page.get_by_label(label, exact=False).first
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
        said = page.locator(f"[id='{field.get_attribute('id')}-error']")
        expect(said).to_contain_text(why)

    name = page.get_by_label("Name", exact=False).first
    refused("Name", "takes at most 100 letters")
    name.fill("not a name")
    refused("Name", "takes at most 100 letters")
    name.fill("")
    refused("Repository or path", "is empty")
    page.get_by_label("Repository or path").fill("something")
    refused("Name", "is needed")
    name.fill("strict")
    refused("Size in billions", "billions of parameters")
    page.get_by_label("Size in billions").fill("a few")
    refused("Size in billions", "billions of parameters")
    page.get_by_label("Size in billions").fill("0.5")
    refused("Repository or path", "owner/name")
    page.get_by_label("Repository or path").fill("somebody/something")
    refused("File", "the file's name in the repository")
    page.get_by_label("File", exact=True).fill("model.gguf")
    assert one.findings() == []
    press(page, "Register")
    expect(page.get_by_role("heading", name="strict", exact=True)).to_be_visible()
    # A name that is taken, by another one.
    page = one.go("/models/register")
    name.fill("strict")
    page.get_by_label("Size in billions").fill("0.5")
    page.get_by_label("Repository or path").fill("somebody/other")
    page.get_by_label("File", exact=True).fill("model.gguf")
    refused("Name", "is registered already")


def test_form_and_text_are_two_sides_of_one(
    visit: Callable[..., Visit], server: Server, cleared: None
) -> None:
    family = {
        "name": "two-sided", "kind": "llm", "abilities": ["chat"], "stop": ["<end>"],
        "specs": [{"format": "pytorch", "size": "1",
                   "repositories": [{"hub": "huggingface", "id": "a/b"}]}],
    }  # fmt: skip
    one = visit()
    page = one.go("/models/register")
    text = page.get_by_role("textbox", name="As text")
    text.fill(json.dumps(family))
    expect(page.get_by_label("Name", exact=False).first).to_have_value("two-sided")
    expect(page.get_by_label("Repository or path")).to_have_value("a/b")
    # Half of a text counts for nothing.
    text.fill(json.dumps(family)[:-1])
    expect(page.get_by_text("The text cannot be read yet")).to_be_visible()
    expect(page.get_by_role("button", name="Register", exact=True)).to_be_disabled()
    text.fill(json.dumps(family))
    press(page, "Register")
    expect(page.get_by_role("heading", name="two-sided", exact=True)).to_be_visible()
    # By the form.
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_label("Name", exact=False).first).to_be_disabled()
    page.get_by_label("Description").fill("It has two sides.")
    press(page, "Save as version 2")
    expect(page.get_by_text("two-sided is registered, version 2.")).to_be_visible()
    expect(page.get_by_text("It has two sides.")).to_be_visible()
    # By the text, in the other notation; what the form does not know stays.
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_text("YAML", exact=True).click()
    expect(text).to_have_value(re.compile(r"^description: It has two sides\.$", re.MULTILINE))
    text.fill(text_of(page).replace("two sides", "many sides") + "licence: mit\n")
    expect(page.get_by_label("Licence")).to_have_value("mit")
    press(page, "Save as version 3")
    expect(page.get_by_text("two-sided is registered, version 3.")).to_be_visible()
    kept = server.get("/api/registrations/llm/two-sided").json()
    assert kept["version"] == 3
    assert (kept["family"]["licence"], kept["family"]["stop"]) == ("mit", ["<end>"])
