"""Credentials from the database: for callers without them in memory, and to fill that memory."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Mapping
from functools import cache

from apps.accounts.digests import keyed_digest
from apps.accounts.matrix.actions import SUPERUSER
from apps.accounts.models import ApiKey
from apps.accounts.oauth.tokens import BEGINNING as OAUTH_BEGINNING
from apps.accounts.oauth.tokens import find as find_oauth_token
from apps.accounts.oauth.tokens import records as oauth_records
from apps.accounts.records import (
    LOCAL_OPERATOR,
    Credentials,
    KeyRecord,
    Network,
    UserRecord,
    credential,
)
from apps.accounts.roles import user_record, user_records
from apps.accounts.tokens import jwt
from apps.accounts.tokens.logins import is_ended, recently_ended
from apps.accounts.tokens.verify import login_record
from xplatform.core.config import secret
from xplatform.core.errors import AddressNotAllowed, KeyExpired, NotAuthenticated

log = logging.getLogger(__name__)

#: whether a key exists or was revoked is nobody's business
REFUSED = "This API key is not known here, or was revoked. Make one with 'xplatform create_key'."
EXPIRED = "This API key has expired."


def credentials() -> Credentials:
    """All of them. As many queries, however many there are."""
    users = user_records()
    return Credentials(
        keys=tuple(_active_keys(users)),
        users=users,
        ended_logins=recently_ended(),
        tokens=tuple(oauth_records(users)),
    )


def active_keys() -> list[KeyRecord]:
    """All keys that open the door now, those that expired a while ago, and the local operator's."""
    return _active_keys(user_records())


def find_credential(token: str) -> KeyRecord | None:
    """None: it opens nothing, or no longer."""
    found = _find(token)
    return None if found is None or found.has_expired() else found


def check_credential(token: str, address: str = "") -> KeyRecord:
    """Raises NotAuthenticated, in the same words whatever is wrong. Who has all of a key is told
    that it has expired (KeyExpired), or may not be used from there (AddressNotAllowed)."""
    found = _find(token)
    if found is None:
        raise NotAuthenticated(REFUSED)
    if not found.may_come_from(address):
        raise AddressNotAllowed(address)
    if found.has_expired():
        raise KeyExpired(EXPIRED)
    return found


def _find(token: str) -> KeyRecord | None:
    if jwt.is_token(token):
        return login_record(token, user_record, is_ended)
    if token.startswith(OAUTH_BEGINNING):
        return find_oauth_token(token)
    digest = keyed_digest(token)
    local = local_operator()
    if hmac.compare_digest(digest, local.digest):
        return local
    key = ApiKey.objects.known().select_related("project").filter(digest=digest).first()
    if key is None:
        return None
    owner = user_record(key.owner_id)
    return _opening(key, owner) if owner else None


@cache
def local_operator() -> KeyRecord:
    """Whoever can read the home folder of this server: no row, all rights."""
    return credential(
        id=LOCAL_OPERATOR,
        digest=keyed_digest(secret("local")),
        name="local operator",
        owner_id=None,
        owner_name="local operator",
        expires=None,
        kind="operator",
        project="",
        role=SUPERUSER,
    )


def key_record(key: ApiKey, owner: UserRecord) -> KeyRecord:
    """A key may what its owner may: in its project, and beyond projects if it is of none. A
    superuser's key of a project is an owner's there, and reaches no further."""
    if key.project is None:
        # Made by somebody who was a superuser then: as it is now.
        project = owner.project()
        role = owner.role(project)
    else:
        project = key.project.slug
        role = "owner" if owner.superuser else owner.role(project)
    ends = key.ends
    return credential(
        id=str(key.pk),
        digest=bytes(key.digest),
        name=key.name,
        owner_id=owner.id,
        owner_name=owner.name,
        expires=ends.timestamp() if ends else None,
        kind="key",
        project=project,
        role=role,
        actions=frozenset(key.scope("actions")) or None,
        models=key.scope("models"),
        networks=networks(key.networks),
    )


def networks(given: list[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in given)


def _active_keys(users: Mapping[int, UserRecord]) -> list[KeyRecord]:
    records = [local_operator()]
    for key in ApiKey.objects.known().select_related("project"):
        # Somebody who was made between the queries is there at the next look.
        owner = users.get(key.owner_id)
        if owner and (record := _opening(key, owner)):
            records.append(record)
    return records


def _opening(key: ApiKey, owner: UserRecord) -> KeyRecord | None:
    """None for a key whose owner has left the project."""
    record = key_record(key, owner)
    return record if record.role else None
