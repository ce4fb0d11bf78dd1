"""The console in a real browser, on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.console.visit import ADMIN, PASSWORD, Visit
from tests.support import browser as browsers
from tests.support.server import Server, serving
from xplatform import console


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    if not console.is_built():
        pytest.skip("the console is not built: `make console` builds it, with Node.js")
    if not browsers.program():
        pytest.skip("no Chromium: `python -m tests.support.browser` gets one")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_ADMIN_PASSWORD=PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(built: None) -> Iterator[Any]:
    with browsers.chromium() as running:
        yield running


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Visit]]:
    """``visit()``: somebody opens the console; more than one may. What their browsers complain of
    fails the test."""
    visits: list[Visit] = []

    def open_console(user: str | None = ADMIN, **looks: Any) -> Visit:
        visits.append(Visit(chromium, server, **looks))
        if user is not None:
            visits[-1].log_in(user)
        return visits[-1]

    yield open_console
    complaints = [complaint for one in visits for complaint in one.close()]
    assert complaints == []
