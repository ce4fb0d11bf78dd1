"""What all tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import ENGINES


@pytest.fixture(scope="session")
def engine_environment() -> Callable[[str], Path]:
    """The environment of an engine, or a skip that says how to make it."""

    def find(name: str) -> Path:
        found = sorted(ENGINES.glob(f"{name}-*/bin/python"))
        if not found:
            pytest.skip(f"no environment of {name} under {ENGINES}: `make test` makes it")
        return found[-1].parents[1]

    return find
