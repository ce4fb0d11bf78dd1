"""What all tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.server import ENGINES

# How quick a machine is that others use as well is no finding.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = ["tests.support.database", "tests.support.postgres"]


@pytest.fixture(scope="session")
def engine_environment() -> Callable[[str], Path]:
    """The environment of an engine, or a skip that says how to make it."""

    def find(name: str) -> Path:
        found = sorted(ENGINES.glob(f"{name}-*/bin/python"))
        if not found:
            pytest.skip(f"no environment of {name} under {ENGINES}: `make test` makes it")
        return found[-1].parents[1]

    return find


@pytest.fixture(scope="session", autouse=True)
def no_thread_of_refusals() -> None:
    """It would write to the database of whichever test runs a minute later. What servers that
    tests start do is another matter: they are processes of their own."""
    from apps.audit.refusals import Refusals

    Refusals._start = lambda self: None  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests that commit empty the database after them; triggers would refuse that for the audit.
    Those in tests/audit put them back."""
    from django.db import connection

    from apps.audit import guards
    from apps.audit.refusals import Refusals

    # Its thread would write what one test was refused into the next one's database, or into none.
    # Tests that look for it flush.
    Refusals._start = lambda self: None  # type: ignore[method-assign]
    with django_db_blocker.unblock():
        guards.remove(connection)
