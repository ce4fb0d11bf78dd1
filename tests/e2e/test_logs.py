"""What somebody finds in the logs of a model that starts as it should, and is then called."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.server import Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def lines(server: Server, file: str) -> list[str]:
    answer = server.get(f"/api/logs?model=noted&file={file}").json()
    found: list[str] = answer["lines"]
    return found


def test_both_tell_of_the_start_and_none_of_each_request(server: Server) -> None:
    server.launch("noted")
    before = {file: lines(server, file) for file in ("output", "log")}
    assert any("fake" in line and "loads" in line for line in before["output"]), before
    assert any("ready after" in line for line in before["output"]), before
    assert any("model noted loaded in" in line for line in before["log"]), before
    for _ in range(3):
        assert server.chat("noted").status == 200
    assert {file: lines(server, file) for file in before} == before, json.dumps(before, indent=1)
