"""Wrong passwords and codes shut a door for a while, for longer each time.

An attempt is counted as failed *before* anything is checked, in one atomic step, and taken back
when it succeeds: a thousand guesses at once get no more tries than a thousand in a row. Three
doors are counted, so that neither many addresses nor many names help:

================ ====================================================================
account, address the tries of one place at one account: ``login_tries``
account          of all places at one account: five times as many, so that a stranger
                 who knows a name does not easily keep its owner out
address          of one place at all accounts: ten times as many
================ ====================================================================

Accounts are counted by the name that was typed, whether there is such an account or not. The
counters are in Redis, shared by all processes; while it is away each process counts for itself.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import redis

from apps.accounts.digests import keyed_digest
from xplatform.core.config import settings
from xplatform.core.errors import TooManyAttempts

__all__ = ["Attempt", "Door", "begin", "locked", "unlock", "unlock_all"]

log = logging.getLogger(__name__)

#: failures are forgotten when there was none for so long
FORGOTTEN_AFTER: Final = 24 * 3600
_PREFIX: Final = "xp:lockout:"
_MEMORY_DOORS: Final = 20_000
#: a broker that did not answer is left alone for so long
_PAUSE: Final = 5.0

_BEGIN = """
local now = tonumber(redis.call('TIME')[1])
local wait = 0
for _, key in ipairs(KEYS) do
  local shut = tonumber(redis.call('HGET', key, 'until') or '0')
  if shut > now then wait = math.max(wait, shut - now) end
end
if wait > 0 then return {wait, 0} end
local longest = 0
for i, key in ipairs(KEYS) do
  local over = redis.call('HINCRBY', key, 'failures', 1) - tonumber(ARGV[i + 3])
  if over >= 0 then
    local shut = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) * 2 ^ math.min(over, 30))
    redis.call('HSET', key, 'until', math.ceil(now + shut))
    longest = math.max(longest, math.ceil(shut))
  end
  redis.call('EXPIRE', key, ARGV[3])
end
return {0, longest}
"""
_TAKE_BACK = """
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    local left = redis.call('HINCRBY', key, 'failures', -1)
    if left < tonumber(ARGV[i]) then redis.call('HDEL', key, 'until') end
    if left <= 0 then redis.call('DEL', key) end
  end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Door:
    """One thing that failures are counted for."""

    key: str
    #: failures that cost nothing yet
    tries: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, counted as failed until it is told otherwise."""

    doors: tuple[Door, ...]
    #: those that a success opens for good; never the address's, since whoever owns one account
    #: could else go on guessing at others
    cleared: tuple[Door, ...]
    #: seconds for which it shuts a door, unless it succeeds
    shuts: float = 0.0

    def succeeded(self) -> None:
        _take_back([door for door in self.doors if door not in self.cleared])
        _forget([door.key for door in self.cleared])

    def undecided(self) -> None:
        """Nothing was guessed: what was given is right, and more is needed."""
        _take_back(self.doors)


@dataclass(frozen=True, slots=True)
class Locked:
    """A door that is shut now."""

    #: "address", "account" or "account from address"
    what: str
    kind: str
    #: digest of the account's name ("" for an address), as ``account_mark`` makes it
    account: str
    address: str
    seconds: int
    failures: int


def begin(address: str, account: str = "", *, kind: str = "login") -> Attempt:
    """Before a secret is checked. Raises TooManyAttempts while a door is shut.

    ``kind`` keeps different secrets apart: a login's failures are not a device code's.
    """
    tries = settings().login_tries
    place = network_of(address)
    doors = [Door(f"{kind}:address::{place}", tries * 10)]
    cleared: list[Door] = []
    if account:
        mark = account_mark(account)
        cleared = [
            Door(f"{kind}:pair:{mark}:{place}", tries),
            Door(f"{kind}:account:{mark}:", tries * 5),
        ]
    doors += cleared
    wait, shuts = _begin(doors)
    if wait:
        raise TooManyAttempts(wait)
    return Attempt(tuple(doors), tuple(cleared), shuts)


def account_mark(name: str) -> str:
    """What a name is counted under. Not the name: people type passwords into the wrong field."""
    return keyed_digest(f"lockout {name.strip().casefold()}").hex()[:32]


def network_of(address: str) -> str:
    """Whoever has one IPv6 address has 2⁶⁴ of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def locked() -> list[Locked]:
    """All doors that are shut now, the longest first."""
    now = time.time()
    found = []
    for key, failures, until in _all():
        if until <= now:
            continue
        kind, what, account, address = key.split(":", 3)
        words = {"pair": "account from address"}.get(what, what)
        found.append(Locked(words, kind, account, address, int(until - now) + 1, failures))
    return sorted(found, key=lambda door: -door.seconds)


def unlock(*, account: str = "", address: str = "") -> int:
    """Open what is counted for this account, or this address, or the two together; how many
    doors were shut."""
    mark = account_mark(account) if account else ""
    place = network_of(address) if address and "/" not in address else address
    shut, keys = 0, []
    for key, _, until in _all():
        _, _, its_account, its_address = key.split(":", 3)
        if (mark and its_account != mark) or (place and its_address != place):
            continue
        keys.append(key)
        shut += until > time.time()
    _forget(keys)
    return shut


def unlock_all() -> int:
    return unlock()


# --- where it is counted -----------------------------------------------------------------------


class _Memory:
    """The same, in this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: key → [failures, shut until, last failure]; the oldest go first
        self._doors: OrderedDict[str, list[float]] = OrderedDict()

    def begin(self, doors: Sequence[Door], first: float, longest: float) -> tuple[float, float]:
        now = time.time()
        shuts = 0.0
        with self._lock:
            wait = max((self._get(door.key, now)[1] - now for door in doors), default=0.0)
            if wait > 0:
                return wait, 0.0
            for door in doors:
                found = self._get(door.key, now)
                found[0] += 1
                found[2] = now
                if (over := int(found[0]) - door.tries) >= 0:
                    shut = min(longest, first * 2 ** min(over, 30))
                    found[1] = now + shut
                    shuts = max(shuts, shut)
                self._doors[door.key] = found
                self._doors.move_to_end(door.key)
            while len(self._doors) > _MEMORY_DOORS:
                self._doors.popitem(last=False)
        return 0.0, shuts

    def take_back(self, doors: Sequence[Door]) -> None:
        with self._lock:
            for door in doors:
                if (found := self._doors.get(door.key)) is None:
                    continue
                found[0] -= 1
                if found[0] < door.tries:
                    found[1] = 0.0
                if found[0] <= 0:
                    del self._doors[door.key]

    def forget(self, keys: Sequence[str]) -> None:
        with self._lock:
            for key in keys:
                self._doors.pop(key, None)

    def all(self) -> list[tuple[str, int, float]]:
        with self._lock:
            return [(key, int(found[0]), found[1]) for key, found in self._doors.items()]

    def _get(self, key: str, now: float) -> list[float]:
        found = self._doors.get(key)
        if found is None or now - found[2] > FORGOTTEN_AFTER:
            return [0.0, 0.0, now]
        return found


_memory = _Memory()
_broker_away_until = 0.0


@cache
def _client() -> Any:
    return redis.Redis.from_url(
        settings().channels_url,
        socket_connect_timeout=1,
        socket_timeout=1,
        decode_responses=True,
    )


def _broker() -> Any | None:
    return _client() if time.monotonic() >= _broker_away_until else None


def _went_away(error: redis.RedisError) -> None:
    global _broker_away_until
    _broker_away_until = time.monotonic() + _PAUSE
    log.warning("the broker does not answer, attempts are counted in this process: %s", error)


def _begin(doors: Sequence[Door]) -> tuple[float, float]:
    """Seconds to wait, 0: go on; and for how long this one shuts a door if it fails."""
    given = settings()
    first, longest = given.login_wait, max(given.login_wait, given.login_longest_wait)
    if client := _broker():
        keys = [_PREFIX + door.key for door in doors]
        limits = [door.tries for door in doors]
        try:
            wait, shuts = client.eval(
                _BEGIN, len(keys), *keys, first, longest, FORGOTTEN_AFTER, *limits
            )
            return float(wait), float(shuts)
        except redis.RedisError as error:
            _went_away(error)
    return _memory.begin(doors, first, longest)


def _take_back(doors: Sequence[Door]) -> None:
    _memory.take_back(doors)
    if doors and (client := _broker()):
        keys = [_PREFIX + door.key for door in doors]
        try:
            client.eval(_TAKE_BACK, len(keys), *keys, *[door.tries for door in doors])
        except redis.RedisError as error:
            _went_away(error)


def _forget(keys: Sequence[str]) -> None:
    _memory.forget(keys)
    if keys and (client := _broker()):
        try:
            client.delete(*[_PREFIX + key for key in keys])
        except redis.RedisError as error:
            _went_away(error)


def _all() -> list[tuple[str, int, float]]:
    """(key, failures, shut until) of every door that is counted."""
    found = {key: (key, failures, until) for key, failures, until in _memory.all()}
    if client := _broker():
        try:
            for name in client.scan_iter(match=_PREFIX + "*", count=500):
                failures, until = client.hmget(name, "failures", "until")
                key = name.removeprefix(_PREFIX)
                found[key] = (key, int(failures or 0), float(until or 0))
        except redis.RedisError as error:
            _went_away(error)
    return list(found.values())
