"""The documentation against the program: commands, links, settings, tables."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.docs import commands, markdown, tables
from tests.docs.markdown import ROOT
from xplatform.cli.main import COMMANDS

README = ROOT / "README.md"
PAGES = markdown.pages()
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


@cache
def _help(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "xplatform", *command, "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_resolve(path: Path) -> None:
    for link in markdown.links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link} in {path.name}"
        if anchor:
            assert anchor in markdown.anchors(target), f"{link} in {path.name}"


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_commands_exist(path: Path) -> None:
    from django.core.management import get_commands

    known = {*COMMANDS, *get_commands(), "help"}
    for given in markdown.commands(path):
        # --home and --config may stand before the command.
        words = given
        while words and words[0] in ("--home", "--config"):
            words = words[2:]
        if not words or words[0] in ("--help", "COMMAND"):
            continue
        assert words[0] in known, f"xplatform {' '.join(words)} in {path.name}"
        command = words[:1]
        if command[0] in ("engine", "nodes") and len(words) > 1 and words[1][0] != "-":
            # An action, which the command itself refuses if there is none of this name.
            command = words[:2]
        for word in words[1:]:
            if word.startswith("--"):
                flag = word.partition("=")[0]
                assert flag in _help(*command), f"xplatform {' '.join(words)} in {path.name}"


def test_every_command_is_in_the_reference() -> None:
    """With every flag that its help has."""
    assert commands.PAGE.read_text() == commands.page(), "python -m tests.docs.commands writes it"


def test_configuration_has_every_setting() -> None:
    wanted = tables.setting_rows()
    found = {}
    for cells in markdown.table_rows(ROOT / "docs" / "configuration.md"):
        name = cells[0].strip("`")
        if len(cells) == 5 and name in wanted:
            assert cells[4], f"{name} has no meaning"
            found[name] = tuple(cells[1:4])
    assert list(found) == list(wanted)
    assert found == wanted


def test_readme_agrees_on_settings() -> None:
    by_variable = {row[1]: row for row in tables.setting_rows().values()}
    rows = [
        cells
        for cells in markdown.table_rows(README)
        if len(cells) == 4 and cells[1].startswith("`XPLATFORM_")
    ]
    assert rows
    for flag, variable, default, meaning in rows:
        wanted = by_variable[variable]
        assert (flag.replace("(no flag)", ""), default) == (wanted[0], wanted[2]), variable
        assert meaning


def test_variables_that_are_named_exist() -> None:
    known = {row[1].strip("`") for row in tables.setting_rows().values()} | {
        "XPLATFORM_CONFIG", "XPLATFORM_SETTINGS", "XPLATFORM_PARENT", "XPLATFORM_LOG_FOLDER",
        "XPLATFORM_PUBLISH", "XPLATFORM_ENDPOINT", "XPLATFORM_JOIN_TOKEN",
        "XPLATFORM_ADDRESS",  # of work on the console: frontend/vite.config.ts
    }  # fmt: skip
    for path in PAGES:
        for name in re.findall(r"XPLATFORM_[A-Z_]*[A-Z]", path.read_text()):
            assert name in known, f"{name} in {path.name}"


def test_engine_table_is_the_engines_word() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    assert tables.engine_table() in text, "python -m tests.docs.tables prints the table"
    # What no field of a request asks for.
    assert tables.unknown_capabilities() <= {"grammar", "response_format"}


def test_routes_that_are_named_exist() -> None:
    """Each route of docs/api.md answers something other than 404 to somebody without a key."""
    from django.urls import Resolver404, resolve

    from apps.inference.openai import openapi

    source = Path(openapi.__file__).parents[1].joinpath("gateway", "app.py").read_text()
    text = (ROOT / "docs" / "api.md").read_text()
    for route in re.findall(r"`(?:(?:GET|POST|DELETE) )?(/(?:v1|api)/[a-z_/{}]+)`", text):
        if f'"{route.partition("{")[0]}' in source:
            continue
        try:
            resolve(route.replace("{uid}", "x").replace("{id}", "x"))
        except Resolver404:
            pytest.fail(f"there is no {route}")
