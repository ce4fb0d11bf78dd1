"""People, projects and credentials for the other apps: nobody outside imports anything else of
this one.

A key is ``xp-`` and 256 random bits. The database has an HMAC of it under a secret of this
installation, so neither a stolen database nor a guess at one key opens anything. Web processes
hold all credentials in memory (``credentials``) and look a token up by its digest.
"""

from __future__ import annotations

from apps.accounts.actions.keys import (
    KeyInfo,
    create_key,
    key_info,
    keys,
    revoke_key,
    rotate_key,
)
from apps.accounts.actions.projects import check_not_archived
from apps.accounts.actions.setup import ensure_admin, ensure_default_project, ensure_first_key
from apps.accounts.actions.stored_secrets import stored_secret
from apps.accounts.actor import Actor
from apps.accounts.asking import actor_of, address_of, user_actor
from apps.accounts.credentials import (
    EXPIRED,
    REFUSED,
    active_keys,
    check_credential,
    credentials,
    find_credential,
    local_operator,
)
from apps.accounts.digests import keyed_digest as key_digest
from apps.accounts.hints import credentials_version, keys_changed
from apps.accounts.last_use import noted, used
from apps.accounts.models.people import DEFAULT_PROJECT
from apps.accounts.oauth.applications import ensure_command_line
from apps.accounts.oauth.authorizations import prune as prune_tokens
from apps.accounts.records import (
    LOCAL_OPERATOR,
    Credentials,
    KeyRecord,
    Lowered,
    UserRecord,
    less,
    lowered,
    read_lowered,
)
from apps.accounts.roles import user_record
from apps.accounts.tokens.jwt import is_token as is_login_token
from apps.accounts.tokens.verify import login_record

__all__ = [
    "DEFAULT_PROJECT",
    "EXPIRED",
    "LOCAL_OPERATOR",
    "REFUSED",
    "Actor",
    "Credentials",
    "KeyInfo",
    "KeyRecord",
    "Lowered",
    "UserRecord",
    "active_keys",
    "actor_of",
    "address_of",
    "check_credential",
    "check_not_archived",
    "create_key",
    "credentials",
    "credentials_version",
    "ensure_admin",
    "ensure_command_line",
    "ensure_default_project",
    "ensure_first_key",
    "find_credential",
    "find_key",
    "is_login_token",
    "key_digest",
    "key_info",
    "keys",
    "keys_changed",
    "less",
    "local_operator",
    "login_record",
    "lowered",
    "noted",
    "prune_tokens",
    "read_lowered",
    "revoke_key",
    "rotate_key",
    "stored_secret",
    "used",
    "user_actor",
    "user_record",
]

#: as it was called before there were other credentials
find_key = find_credential
