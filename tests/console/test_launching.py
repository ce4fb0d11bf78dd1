"""The launch form: what it offers, what it says, and what it sends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.visit import PASSWORD, Visit
from tests.support.server import API_KEY, ROOT, Server, free_port, serving, wait_for

DEMO = ROOT / "apps" / "models" / "demo" / "demo.gguf"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that reaches no hub."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with serving(XPLATFORM_ADMIN_PASSWORD=PASSWORD, XPLATFORM_HF_ENDPOINT=nowhere) as running:
        yield running


def filled(visit: Callable[..., Visit], uid: str) -> tuple[Visit, Page]:
    one = visit()
    page = one.go(f"/launch?path={DEMO}")
    page.get_by_label("Name to call it by").fill(uid)
    expect(page.get_by_text("One replica takes about")).to_be_visible()
    return one, page


def launch(page: Page) -> None:
    page.get_by_role("button", name="Launch", exact=True).click()


def heard(page: Page) -> list[dict[str, Any]]:
    """The orders that the page will have sent."""
    sent: list[dict[str, Any]] = []

    def hear(request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/api/launches"):
            sent.append(json.loads(request.post_data))

    page.on("request", hear)
    return sent


def run(server: Server, command: str) -> subprocess.CompletedProcess[str]:
    """As it was copied, in a shell that has the program and a key."""
    program = f'xplatform() {{ "{sys.executable}" -m xplatform "$@"; }}'
    environ = {
        **{name: value for name, value in os.environ.items() if "XPLATFORM" not in name},
        "XPLATFORM_HOME": str(server.home),
        "XPLATFORM_ENDPOINT": server.base,
        "XPLATFORM_API_KEY": API_KEY,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        ["/bin/bash", "-c", f"{program}\n{command}"],
        env=environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_form_the_command_and_curl_are_the_same(
    visit: Callable[..., Visit], server: Server
) -> None:
    one, page = filled(visit, "by-form")
    sent = heard(page)
    page.get_by_label("Requests at once").fill("3")
    page.get_by_label("Context length").fill("600")
    page.get_by_role("button", name="Options of llama.cpp").click()
    page.get_by_role("button", name=re.compile("further options")).click()
    # One letter after the other: the field stays where it is.
    page.get_by_label("n_batch", exact=True).click()
    page.keyboard.type("256")
    expect(page.get_by_label("n_batch", exact=True)).to_have_value("256")
    page.get_by_label("cls_sep", exact=True).fill('it\'s "$HOME"')
    code = page.get_by_role("tabpanel").locator("pre")
    expect(code).to_contain_text("--option n_batch=256")
    command = code.inner_text()
    page.get_by_role("tab", name="curl").click()
    curl = code.inner_text()
    assert one.findings() == []
    launch(page)
    page.wait_for_url("**/running/by-form")
    (order,) = sent
    options = {"n_batch": 256, "cls_sep": 'it\'s "$HOME"'}
    assert order == {
        "uid": "by-form", "model_path": str(DEMO), "engine": "llama.cpp", "slots": 3,
        "context_length": 600, "options": options,
    }  # fmt: skip
    ways = {"by-curl": curl, "by-command": command}
    for uid, text in ways.items():
        done = run(server, text.replace("by-form", uid))
        assert done.returncode == 0, done
    wait_for(lambda: all(server.state(uid) == "ready" for uid in ("by-form", *ways)), "all", 60)
    made = [server.launch_state(uid) for uid in ("by-form", *ways)]
    for field in ("engine", "model_path", "slots", "context_length", "options", "placement"):
        assert len({json.dumps(launch[field]) for launch in made}) == 1, field
    for uid in ("by-form", *ways):
        assert server.chat(uid, "What is xplatform?", max_tokens=4).status == 200
        server.request("DELETE", f"/api/launches/{uid}")


def test_memory_follows_what_is_chosen(visit: Callable[..., Visit], server: Server) -> None:
    _, page = filled(visit, "large")
    says = page.get_by_text("One replica takes about")
    bar = page.get_by_role("img", name=re.compile("this model"))

    def part() -> str:
        return (bar.get_attribute("aria-label") or "").split("this model ")[1]

    seen, parts = [says.inner_text()], [part()]
    for label, value in (("Context length", "65536"), ("Requests at once", "8")):
        page.get_by_label(label).fill(value)
        expect(says).not_to_have_text(seen[-1])
        seen.append(says.inner_text())
        parts.append(part())
    assert len(set(parts)) == 3, parts
    # More than there is: it says so, and starts only if one insists.
    page.get_by_label("Context length").fill("900000000")
    expect(page.get_by_text("It fits on none of these right now")).to_be_visible()
    launch(page)
    expect(page.get_by_role("alert")).to_contain_text("It fits nowhere")
    expect(page.get_by_text("Launch it anyway")).to_be_visible()


def test_what_cannot_be_is_said_where_it_was_written(
    visit: Callable[..., Visit], server: Server
) -> None:
    one, page = filled(visit, "demo")
    launch(page)
    name = page.get_by_label("Name to call it by")
    expect(page.get_by_role("alert")).to_contain_text("is the name of a built-in model")
    expect(name).to_have_attribute("aria-invalid", "true")
    server.launch("taken")
    name.fill("taken")
    launch(page)
    expect(page.get_by_role("alert")).to_contain_text("taken")
    name.fill("no spaces")
    launch(page)
    expect(page.get_by_role("alert")).to_contain_text("letters, digits")
    name.fill("fine")
    # A field that is folded away is unfolded.
    more = page.get_by_role("button", name="Adapters, sharing, environment")
    more.click()
    variables = page.get_by_role("combobox", name="Environment variables")
    variables.fill("A B=1")
    variables.press("Enter")
    more.click()
    expect(more).to_have_attribute("aria-expanded", "false")
    launch(page)
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(variables).to_have_attribute("aria-invalid", "true")
    assert one.findings() == []
    server.request("DELETE", "/api/launches/taken")


def test_a_model_whose_hub_is_out_of_reach(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/launch?name=qwen3")
    expect(page.get_by_role("combobox", name="Quantization")).to_be_visible()
    engines = page.get_by_role("radiogroup", name="Engine")
    expect(engines.get_by_role("radio", name=re.compile(r"^llama\.cpp \d"))).to_be_visible()
    # Those that cannot are named with the reason.
    page.get_by_role("button", name=re.compile("engines cannot run it here")).click()
    expect(page.get_by_text(re.compile("^vllm: .+"))).to_be_visible()
    page.get_by_label("Name to call it by").fill("far-away")
    launch(page)
    page.wait_for_url("**/running/far-away")
    # It is tried some times more by itself; between them it says so, and offers to try at once.
    failed = page.get_by_role("alert").filter(has_text="It failed")
    expect(failed).to_be_visible(timeout=60_000)
    expect(failed).to_contain_text("cannot be reached")
    expect(failed.get_by_role("button", name="Try again")).to_be_visible()
    assert server.request("DELETE", "/api/launches/far-away").status == 200


def test_what_is_not_for_everybody(visit: Callable[..., Visit], server: Server) -> None:
    for user, role in (("launcher", "developer"), ("looker", "viewer")):
        body = {"username": user, "password": f"a-password-for-{user}"}
        assert server.post("/api/users", body).status == 201
        place = f"/api/projects/default/members/users/{user}"
        assert server.request("PUT", place, {"role": role}).status == 200
    one = visit(user=None)
    one.log_in("launcher", "a-password-for-launcher")
    page = one.go("/launch?kind=llm&name=qwen3")
    expect(page.get_by_text("Repository", exact=True)).to_be_visible()
    expect(page.get_by_text("Path", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Adapters, sharing, environment").click()
    expect(page.get_by_text("are for superusers")).to_be_visible()
    expect(page.get_by_label("Environment variables")).to_have_count(0)
    assert one.findings() == []
    other = visit(user=None)
    other.log_in("looker", "a-password-for-looker")
    page = other.go("/launch")
    expect(page.get_by_text("You may not see this")).to_be_visible()
    expect(page.get_by_text("launches.write")).to_be_visible()
