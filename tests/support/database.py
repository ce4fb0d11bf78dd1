"""The test database with real commits, emptied after each test.

Like ``transactional_db``, but many times as quick: knowing the apps, Django does not make all
permissions anew for each test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_FIXTURE = "clean_database"


@pytest.fixture
def clean_database() -> Iterator[None]:
    """Where it is asked for, ``pytest_collection_modifyitems`` adds the mark that does it."""
    yield
    # Refused attempts that were repeated are written up to a minute later, by a thread: in
    # somebody else's test, where there is no database.
    from apps.audit.api import flush_refusals

    flush_refusals()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from django.apps import apps

    names = [config.name for config in apps.get_app_configs()]
    mark = pytest.mark.django_db(transaction=True, available_apps=names)
    for item in items:
        wants = _FIXTURE in getattr(item, "fixturenames", ())
        if wants and item.get_closest_marker("django_db") is None:
            item.add_marker(mark)
