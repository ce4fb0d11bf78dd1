"""One server for all modules here: two web processes, and nothing that a module leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server, serving


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with serving("--web-processes", "2", "--no-demo") as running:
        yield running
