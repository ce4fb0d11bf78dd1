"""Machines: one joins by the words of the page, is labelled, set aside, emptied, taken away."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.visit import Visit
from tests.support.machine import CPU, Machine, node, wait_up
from tests.support.server import Server, wait_for


@pytest.fixture
def machine(server: Server) -> Iterator[Machine]:
    """A further one, off as yet."""
    made = Machine("aside", CPU)
    yield made
    made.end()
    server.request("DELETE", f"/api/nodes/{made.name}")


def places(server: Server, uid: str) -> list[str]:
    """The machines of its replicas that are ready."""
    replicas = server.launch_state(uid)["replicas"]
    return sorted(replica["node"] for replica in replicas if replica["state"] == "ready")


def do(page: Page, what: str, sure: bool = True) -> None:
    """A button of the page, and where it asks first, that of the question."""
    page.get_by_role("main").get_by_role("button", name=what, exact=True).click()
    if sure:
        page.get_by_role("dialog").get_by_role("button", name=what, exact=True).click()


def join(one: Visit, machine: Machine) -> str:
    """By the commands that the page shows; the token."""
    page = one.go("/nodes")
    page.get_by_role("button", name="Add a machine").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What the token is for").fill("rack 7")
    dialog.get_by_role("button", name="Make the token").click()
    commands = dialog.get_by_label("Commands for the new machine").inner_text()
    assert one.findings() == []
    dialog.get_by_role("button", name="I have copied it").click()
    first, second = commands.strip().splitlines()
    variable, _, token = first.removeprefix("export ").partition("=")
    program, command, *words = shlex.split(second)
    assert (program, command) == ("xplatform", "worker")
    machine.start(*words, "--name", machine.name, **{variable: token})
    # Nobody touches the page: it hears of the machine.
    expect(page.get_by_role("link", name=machine.name, exact=True)).to_be_visible(timeout=60_000)
    wait_up(one.server, machine)
    return token


def test_a_machine_from_its_token_to_its_removal(
    visit: Callable[..., Visit], server: Server, machine: Machine
) -> None:
    one = visit()
    token = join(one, machine)
    page = one.go("/nodes")
    row = page.get_by_role("table", name="Join tokens").get_by_role("row").filter(has_text="rack 7")
    expect(row).to_contain_text("active")
    expect(row).to_contain_text(machine.name)
    assert token not in page.content(), "the token is shown again"

    # Labels.
    page.get_by_role("link", name=machine.name, exact=True).click()
    field = page.get_by_label("New label")
    field.fill("=a")
    field.press("Enter")
    expect(page.get_by_text("Write name=value.")).to_be_visible()
    field.fill("zone=a")
    field.press("Enter")
    expect(page.get_by_role("button", name="Remove the label zone")).to_be_visible()
    assert node(server, machine.name)["labels"] == {"zone": "a"}
    assert one.findings() == []
    page.get_by_role("button", name="Remove the label zone").click()
    expect(page.get_by_text("No labels.")).to_be_visible()

    # Over time: what the machine measured of itself is drawn.
    expect(
        page.get_by_role("img", name=re.compile(r"Memory of the machine.*\d [GM]i?B"))
    ).to_be_visible()
    page.get_by_text("1 h", exact=True).click()
    expect(page).to_have_url(re.compile(r"minutes=60"))
    expect(page.get_by_role("img", name=re.compile(r"Utilisation.*\d ?%"))).to_be_visible()

    # Set aside: what is new goes elsewhere.
    do(page, "Cordon", sure=False)
    expect(page.get_by_text("Those that it has stay.")).to_be_visible()
    server.launch("elsewhere")
    assert [r["node"] for r in server.launch_state("elsewhere")["replicas"]] == ["local"]
    do(page, "Use again", sure=False)
    expect(page.get_by_role("button", name="Cordon", exact=True)).to_be_visible()

    # Emptied: its replica is not lost but moves.
    server.launch("roamer", min_replicas=2, max_replicas=2)
    wait_for(
        lambda: places(server, "roamer") == [machine.name, "local"], "a replica on each machine", 40
    )
    table = page.get_by_role("table", name="Replicas here")
    expect(table.get_by_role("link", name="roamer")).to_be_visible()
    remove = page.get_by_role("button", name="Remove", exact=True)
    expect(remove).to_have_attribute("aria-disabled", "true")
    do(page, "Drain")
    expect(page.get_by_text("move away, each after another has taken its place")).to_be_visible()
    wait_for(
        lambda: places(server, "roamer") == ["local", "local"],
        "both replicas on the other machine",
        40,
    )
    expect(page.get_by_text("No replica of your project's models runs here.")).to_be_visible()

    # Taken away.
    expect(remove).to_have_attribute("aria-disabled", "false")
    do(page, "Remove")
    expect(page).to_have_url(re.compile(r"/nodes$"))
    expect(page.get_by_role("link", name=machine.name, exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="local", exact=True)).to_be_visible()
    for uid in ("elsewhere", "roamer"):
        server.request("DELETE", f"/api/launches/{uid}")


def test_a_revoked_token_cuts_its_machines_off(
    visit: Callable[..., Visit], server: Server, machine: Machine
) -> None:
    one = visit()
    join(one, machine)
    page = one.page
    page.get_by_role("button", name="Revoke rack 7").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"cut off: {machine.name}")
    assert one.findings() == []
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(dialog).to_have_count(0)
    wait_for(lambda: node(server, machine.name).get("state") != "up", "the machine to be off", 60)
    card = page.get_by_role("listitem").filter(
        has=page.get_by_role("link", name=machine.name, exact=True)
    )
    expect(card).not_to_contain_text("up", timeout=60_000)
