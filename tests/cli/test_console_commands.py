"""The console shows each launch as a command. What it shows is read here by the command itself: the
cases are those of the console's own test (``frontend/src/pages/launch/commands.test.ts``)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from xplatform.cli import launch

_CASES = Path(__file__).parents[2] / "frontend/src/pages/launch/commands.cases.json"


class Nodes:
    def get(self, route: str, /) -> Any:
        cards = [{"id": f"cuda:{n}", "kind": "cuda", "index": n} for n in range(2)]
        return [
            {"name": name, "address": name, "devices": {"devices": cards}} for name in ("n1", "n2")
        ]


@pytest.mark.parametrize("case", json.loads(_CASES.read_text()), ids=lambda case: case["name"])
def test_the_command_means_the_order(case: dict[str, Any]) -> None:
    program, command, *words = shlex.split("\n".join(case["command"]).replace("\\\n", " "))
    assert (program, command) == ("xplatform", "launch")
    arguments, rest = launch.parser("launch").parse_known_args(words)
    assert rest == []
    launch._take_options(arguments, rest)
    assert launch.order(Nodes(), arguments) == case["order"]
