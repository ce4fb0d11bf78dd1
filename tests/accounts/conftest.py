from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import api


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kinds of the hints that were broadcast."""
    kinds: list[str] = []

    def broadcast(kind: str, **values: Any) -> None:
        kinds.append(kind)

    monkeypatch.setattr("apps.accounts.hints.broadcast", broadcast)
    return kinds


@pytest.fixture
def admin_key(clean_database: None, hints: list[str]) -> str:
    api.ensure_admin("correct horse battery")
    token = api.ensure_first_key()
    assert token is not None
    hints.clear()
    return token
