"""Doors that shut: in Valkey, and in the process alone. Both must do the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from apps.accounts import lockout
from xplatform.core.config import load_settings
from xplatform.core.errors import TooManyAttempts

HOME = "192.0.2.1"


@pytest.fixture(params=["valkey", "memory"])
def counted(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    values: dict[str, Any] = {"login_tries": 3, "login_wait": 30, "login_longest_wait": 100}
    if request.param == "valkey":
        values["channels"] = request.getfixturevalue("valkey")
        redis.Redis.from_url(values["channels"]).flushall()
    else:
        values["channels"] = "unix:///nonexistent/socket"
    changed = load_settings(values)
    monkeypatch.setattr(lockout, "settings", lambda: changed)
    monkeypatch.setattr(lockout, "_broker_away_until", 0.0)
    lockout._client.cache_clear()
    yield request.param
    lockout._client.cache_clear()


def waits(address: str = HOME, account: str = "ann") -> float:
    with pytest.raises(TooManyAttempts) as caught:
        lockout.begin(address, account)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


def fail(times: int, address: str = HOME, account: str = "ann") -> None:
    for _ in range(times):
        lockout.begin(address, account)


def test_shut_after_the_tries_and_only_there(counted: str) -> None:
    fail(3)
    assert 0 < waits() <= 30
    # Names differ by more than their case.
    assert waits(account="ANN ") > 0
    lockout.begin(HOME, "bob")
    lockout.begin("192.0.2.2", "ann")


def test_what_fails_later_waits_longer(counted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shuts = [lockout.begin(HOME, "ann").shuts for _ in range(3)]
    assert shuts == [0, 0, 30]
    for expected in (60, 100, 100):
        _open_without_forgetting(counted)
        assert lockout.begin(HOME, "ann").shuts == expected


def _open_without_forgetting(counted: str) -> None:
    """As if the wait was over."""
    if counted == "memory":
        for door in lockout._memory._doors.values():
            door[1] = 0.0
        return
    client = lockout._client()
    for name in client.scan_iter("*"):
        client.hdel(name, "until")


def test_success_clears_the_account_and_not_the_address(counted: str) -> None:
    fail(2)
    lockout.begin(HOME, "ann").succeeded()
    fail(2)
    lockout.begin(HOME, "ann").undecided()
    # 4 of 30 tries of the address are used up: 26 are left for other names.
    for number in range(26):
        lockout.begin(HOME, f"user{number}")
    assert waits(account="somebody else") > 0


def test_one_account_from_many_places(counted: str) -> None:
    for number in range(15):
        lockout.begin(f"198.51.100.{number}", "ann")
    assert waits("198.51.100.99") > 0
    lockout.begin("198.51.100.99", "bob")


def test_one_network_of_ipv6_is_one_place(counted: str) -> None:
    for number in range(3):
        lockout.begin(f"2001:db8::{number}", "ann")
    assert waits("2001:db8::ffff") > 0
    lockout.begin("2001:db8:0:1::1", "ann")


def test_a_thousand_at_once_are_a_thousand_in_a_row(counted: str) -> None:
    began, refused = [], []

    def guess() -> None:
        for _ in range(10):
            try:
                began.append(lockout.begin(HOME, "ann"))
            except TooManyAttempts:
                refused.append(1)

    threads = [threading.Thread(target=guess) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(began), len(refused)) == (3, 97)


def test_unlock(counted: str) -> None:
    fail(3)
    fail(3, account="bob")
    [one, two] = lockout.locked()
    assert one.what == two.what == "account from address"
    assert {one.account, two.account} == {lockout.account_mark(n) for n in ("ann", "bob")}
    assert one.address == HOME
    assert lockout.unlock(account="ann") == 1
    lockout.begin(HOME, "ann")
    assert waits(account="bob") > 0
    assert lockout.unlock(address=HOME) == 1
    lockout.begin(HOME, "bob")
    fail(2, account="bob")
    assert lockout.unlock_all() == 1
    assert lockout.locked() == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "_MEMORY_DOORS", 10)
    memory = lockout._Memory()
    for number in range(50):
        memory.begin([lockout.Door(f"login:pair:{number}:x", 3)], 1, 2)
    assert len(memory.all()) == 10
