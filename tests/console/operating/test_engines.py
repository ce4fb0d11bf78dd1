"""Engines' environments: installed from a folder of packages made here, removed, and what is said
when there is nothing to install from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.visit import Visit
from tests.environments.toy import make_wheel
from tests.support.server import Server, serving
from xplatform.environments import store


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """llama.cpp's packages by name and version, with nothing in them; of other engines none."""
    folder = tmp_path_factory.mktemp("index")
    wanted = (store.REQUIREMENTS / "llama.cpp.txt").read_text()
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", wanted, re.MULTILINE):
        make_wheel(folder, name, version)
    return folder


@pytest.fixture(scope="module")
def server(index: Path) -> Iterator[Server]:
    with serving("--no-demo", XPLATFORM_ENGINE_INDEX=str(index)) as running:
        # Those that other tests share are not touched: what is installed here is our own.
        (running.home / "engines").unlink(missing_ok=True)
        yield running


def test_an_environment_is_installed_and_removed(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("/settings/engines")
    table = page.get_by_role("table", name="llama.cpp", exact=True)
    expect(table).to_contain_text("not installed")
    table.get_by_role("button", name="Install").click()
    expect(table.get_by_text("current")).to_be_visible(timeout=90_000)
    expect(table).to_contain_text("ready")
    assert one.findings() == []
    table.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"Remove llama.cpp [\d.]+ from local\?"))
    dialog.get_by_role("button", name="Remove").click()
    expect(table).to_contain_text("not installed")


def test_one_that_cannot_be_installed_says_why(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("/settings/engines")
    table = page.get_by_role("table", name="transformers", exact=True)
    table.get_by_role("button", name="Install").click()
    expect(table.get_by_text("No matching distribution found").first).to_be_visible(timeout=90_000)
    expect(table).to_contain_text("incomplete")
    expect(table.get_by_role("alert")).to_have_count(1)
    # It is said once, it may be tried again, and what is left of it goes.
    expect(table.get_by_text("pip said")).to_have_count(1)
    assert one.findings() == []
    expect(table.get_by_role("button", name="Install")).to_be_enabled()
    table.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(table).to_contain_text("not installed")
