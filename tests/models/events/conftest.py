from __future__ import annotations

import pytest
from django.db import connection

from apps.models.events import history, settled, tail


@pytest.fixture(autouse=True)
def own_settled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this test, as if its process had just started: other tests' ids say nothing."""
    mine = settled.Settled()
    for module in (settled, history, tail):
        monkeypatch.setattr(module, "settled", mine)
    if "clean_database" in request.fixturenames:
        request.getfixturevalue("clean_database")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval(pg_get_serial_sequence('models_event', 'id'))")
                mine._id = cursor.fetchone()[0]
