from __future__ import annotations

import pytest

from xplatform.core import hints


async def test_listeners_hear_their_kinds_only() -> None:
    with hints.listening(hints.EVENTS, hints.MODELS) as both, hints.listening(hints.KEYS) as keys:
        hints.tell(hints.MODELS)
        assert (both.is_set(), keys.is_set()) == (True, False)
        both.clear()
        hints.tell(hints.KEYS)
        assert (both.is_set(), keys.is_set()) == (False, True)
    hints.tell(hints.EVENTS)
    assert not both.is_set()


async def test_nobody_begins_to_wait_in_a_process_that_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hints, "_stopping", False)
    with hints.listening(hints.STOPPING) as early:
        assert not early.is_set()
        hints.tell(hints.STOPPING)
        assert early.is_set()
    with hints.listening(hints.STOPPING) as late:
        assert late.is_set()
