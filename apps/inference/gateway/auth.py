"""Who asks: credentials from memory, checked without a query, and without the database at all.

API keys and OAuth's tokens are found by their digests, logins by what is signed in their tokens.
Once found, a credential is known by its
header and address until the next reading, so that a request costs a look into a dictionary.
Browser sessions open nothing here: a page of another site could have their cookies sent along, so
whoever is logged in by one asks for a token first.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from apps.accounts import api as accounts
from apps.accounts.api import Actor, KeyRecord, UserRecord
from apps.inference.gateway.http import Exchange
from xplatform.core import errors

#: past this many the known callers are looked up anew
_MOST_KNOWN = 10_000
#: visible ASCII: what a key may be that somebody chose
_TOKEN = re.compile(rb"bearer +([!-~]{1,4096})", re.IGNORECASE)


class Known(NamedTuple):
    record: KeyRecord
    actor: Actor


class Callers:
    def __init__(self) -> None:
        self._keys: dict[bytes, KeyRecord] = {}
        self._tokens: dict[bytes, KeyRecord] = {}
        #: the newest token of those that came of one login
        self._newest: dict[str, KeyRecord] = {}
        self._users: Mapping[int, UserRecord] = {}
        self._ended: frozenset[str] = frozenset()
        self._known: dict[tuple[bytes, str, str], Known] = {}
        #: id of a credential that was revoked → when we were told, which may be before it can be
        #: read, and even before the database goes away
        self._revoked: dict[str, float] = {}
        #: the same of people who may less than before
        self._lowered: dict[int, tuple[float, UserRecord | None]] = {}

    def take(self, read: accounts.Credentials, began: float) -> None:
        """What the database had when that reading began (monotonic)."""
        self._revoked = {id: told for id, told in self._revoked.items() if told >= began}
        self._lowered = {id: (at, who) for id, (at, who) in self._lowered.items() if at >= began}
        self._keys = {record.digest: record for record in read.keys}
        self._tokens = {record.digest: record for record in read.tokens}
        self._users, self._ended = read.users, read.ended_logins
        self._take_away()

    def revoke(self, ids: Iterable[str], lowered: accounts.Lowered | None = None) -> None:
        """By the word of whoever did it, until the next reading shows it."""
        now = time.monotonic()
        self._revoked |= dict.fromkeys(ids, now)
        self._lowered |= {id: (now, who) for id, who in (lowered or {}).items()}
        self._take_away()

    def _take_away(self) -> None:
        """What we were told of and cannot read yet."""
        self._known = {}
        if self._lowered:
            told = {id: who for id, (_, who) in self._lowered.items()}
            less = {id: accounts.less(self._users.get(id), who) for id, who in told.items()}
            users = {**self._users, **less}
            self._users = {id: who for id, who in users.items() if who is not None}
            self._keys = _lowered(self._keys, told)
            self._tokens = _lowered(self._tokens, told)
        if gone := self._revoked.keys():
            self._ended |= gone
            for found in (self._keys, self._tokens):
                for digest in [d for d, record in found.items() if record.id in gone]:
                    del found[digest]
        tokens = sorted(self._tokens.values(), key=lambda record: record.expires or 0.0)
        self._newest = {record.family: record for record in tokens if record.family}

    def check(self, exchange: Exchange) -> Known:
        """Raises NotAuthenticated, AddressNotAllowed, InvalidRequest and MalformedToken (no token
        at all), and NotFound (a project that is not the caller's).

        The words are the same for all that opens nothing: whether a key exists is nobody's
        business. That it has expired is told to whoever has all of it.
        """
        header = exchange.headers.get(b"authorization")
        if header is None:
            raise errors.NotAuthenticated(
                "No API key was provided. Send it as 'Authorization: Bearer xp-…'.", missing=True
            )
        at = (header, _project(exchange), exchange.address)
        known = self._known.get(at)
        if known is None:
            known = self._look_up(*at)
        expires = known.record.expires
        if expires is not None and expires <= time.time():
            raise (
                errors.KeyExpired()
                if known.record.kind == "key"
                else errors.KeyExpired("This token has expired. Renew it, or log in again.")
            )
        return known

    def renewed(self, exchange: Exchange) -> Known | None:
        """Who a running request is, whose token was renewed since it came; None: it was not, or
        what it was renewed to is over, too."""
        record = exchange.record
        newest = self._newest.get(record.family) if record is not None else None
        if newest is None or newest.has_expired():
            return None
        return Known(newest, newest.actor(exchange.address, _project(exchange)))

    def _look_up(self, header: bytes, project: str, address: str) -> Known:
        if (found := _TOKEN.fullmatch(header)) is None:
            raise _malformed(header)
        record = self._find(found[1].decode("ascii"))
        if record is None:
            raise errors.NotAuthenticated(accounts.REFUSED)
        if not record.may_come_from(address):
            raise errors.AddressNotAllowed(address)
        if len(self._known) >= _MOST_KNOWN:
            self._known = {}
        known = self._known[header, project, address] = Known(
            record, record.actor(address, project)
        )
        return known

    def _find(self, token: str) -> KeyRecord | None:
        if accounts.is_login_token(token):
            return accounts.login_record(token, self._users.get, self._ended.__contains__)
        key = self._keys.get(accounts.key_digest(token))
        return key or self._tokens.get(hashlib.sha256(token.encode()).digest())


def _lowered(records: Mapping[bytes, KeyRecord], told: accounts.Lowered) -> dict[bytes, KeyRecord]:
    def now(record: KeyRecord) -> KeyRecord | None:
        owner = record.owner_id
        if owner is None or owner not in told:
            return record
        return accounts.lowered(record, told[owner])

    return {digest: left for digest, record in records.items() if (left := now(record))}


def _malformed(header: bytes) -> errors.PlatformError:
    """RFC 6750: another scheme is no credential at all, a wrong header is a wrong request."""
    scheme, _, _ = header.partition(b" ")
    if scheme.lower() != b"bearer":
        return errors.NotAuthenticated(
            "No API key was provided: the Authorization header must read 'Bearer ' and the key.",
            missing=True,
        )
    return errors.InvalidRequest(
        "The Authorization header must read 'Bearer ' and one API key or token."
    )


def _project(exchange: Exchange) -> str:
    """In which project the request shall count, for credentials that are not bound to one."""
    if (named := exchange.headers.get(b"x-project")) is not None:
        return named.decode("latin-1")
    query: bytes = exchange.scope.get("query_string", b"")
    if b"project=" not in query:
        return ""
    return parse_qs(query.decode("latin-1")).get("project", [""])[0]
