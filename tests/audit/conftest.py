from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from apps.audit import guards


@pytest.fixture
def guarded(clean_database: None) -> Iterator[None]:
    """The database as users have it, with the triggers."""
    guards.install(connection)
    yield
    guards.remove(connection)
