"""API keys from memory: no query on a request's way, and no need of the database while it is
down. The list is read again on every hint and from time to time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from apps.accounts import api as accounts
from apps.accounts.api import KeyRecord, UserRecord
from apps.inference.gateway.database import ask
from xplatform.core import errors

log = logging.getLogger(__name__)

_CACHED_TOKENS = 10_000


class Keys:
    def __init__(self) -> None:
        self._by_digest: dict[bytes, KeyRecord] = {}
        self._users: Mapping[int, UserRecord] = {}
        self._ended: frozenset[str] = frozenset()
        #: tokens seen since the last refresh: saves the keyed hash on the hot path
        self._by_header: dict[bytes, KeyRecord] = {}

    async def refresh(self) -> None:
        read = await ask(accounts.credentials)
        self._by_digest = {record.digest: record for record in read.keys}
        self._users, self._ended = read.users, read.ended_logins
        self._by_header = {}

    def check(self, header: bytes | None) -> KeyRecord:
        """``header`` is the value of ``Authorization``; raises NotAuthenticated."""
        if header is None:
            raise errors.NotAuthenticated(
                "No API key was provided. Send it as 'Authorization: Bearer xp-…'."
            )
        record = self._by_header.get(header)
        if record is None:
            record = self._look_up(header)
        if record.expires is not None and record.expires < time.time():
            raise errors.NotAuthenticated("This API key has expired.")
        return record

    def _look_up(self, header: bytes) -> KeyRecord:
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer" or not token.strip():
            raise errors.NotAuthenticated(
                "The Authorization header must read 'Bearer ' and an API key."
            )
        try:
            text = token.strip().decode("ascii")
        except UnicodeDecodeError:
            raise errors.NotAuthenticated("This is no API key of this server.") from None
        if accounts.is_login_token(text):
            record = accounts.login_record(text, self._users.get, self._ended.__contains__)
        else:
            record = self._by_digest.get(accounts.key_digest(text))
        if record is None:
            raise errors.NotAuthenticated(
                "This API key is not known here, or was revoked. Make one with "
                "'xplatform create_key'."
            )
        if len(self._by_header) < _CACHED_TOKENS:
            self._by_header[header] = record
        return record
