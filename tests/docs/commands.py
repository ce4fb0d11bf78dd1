"""The reference in docs/cli.md, from the commands themselves: ``python -m tests.docs.commands``
writes it anew."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.docs.tables import row
from xplatform.cli.main import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
MARK = "<!-- what follows is made by `python -m tests.docs.commands` -->\n"
#: flags that every command has that asks a server: told once
_SHARED = {"endpoint", "api_key", "home", "json", "help"}


def reference() -> str:
    return "\n".join(_section(name) for name, (_, text) in COMMANDS.items() if text)


def _section(name: str) -> str:
    module_name, text = COMMANDS[name]
    module = importlib.import_module(f"xplatform.cli.{module_name}")
    lines = [f"### `{name}`\n"]
    if not hasattr(module, "parser"):
        # Their flags are settings, if they have any.
        more = "" if name == "version" else f"; `xplatform {name} --help` lists its flags"
        lines.append(f"{text[0].upper()}{text[1:]}{more}.\n")
        return "\n".join(lines)
    lines += _parser(module.parser(name))
    if hasattr(module, "query_parser"):
        lines.append("Without an action:\n")
        lines += _parser(module.query_parser())
    return "\n".join(lines)


def _parser(parser: argparse.ArgumentParser, about: bool = True) -> Iterator[str]:
    if about:
        yield f"{_plain(parser.description or '')}\n"
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                rows.append(row([f"`{name}`{_words(sub)}", _plain(sub.description or "")]))
        elif action.dest not in _SHARED and action.help != argparse.SUPPRESS:
            rows.append(row([_flag(action), _plain(action.help or "")]))
    if rows:
        yield "\n".join([row(["flag", "meaning"]), row(["---", "---"]), *rows]) + "\n"


def _words(parser: argparse.ArgumentParser) -> str:
    """What may stand behind an action."""
    own = [
        _flag(action)
        for action in parser._actions
        if action.dest not in {*_SHARED, "config", "engine_index"}
    ]
    return " " + " ".join(own) if own else ""


def _flag(action: argparse.Action) -> str:
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    shown = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    if action.choices and not action.metavar:
        shown = "|".join(map(str, action.choices))
    if isinstance(shown, tuple):
        shown = " ".join(shown)
    if not names:
        return f"`{shown}`"
    return f"{names} {shown.replace('|', chr(92) + '|')}".strip() if action.nargs != 0 else names


def _plain(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|")


def page() -> str:
    """The page as it should be: its prose, then the reference."""
    return PAGE.read_text().partition(MARK)[0] + MARK + "\n" + reference()


if __name__ == "__main__":
    PAGE.write_text(page())
