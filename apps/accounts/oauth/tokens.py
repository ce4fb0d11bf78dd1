"""Access tokens as credentials: what each may is its scopes, of what its person's role gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from apps.accounts.actor import NOWHERE
from apps.accounts.matrix.actions import ACTIONS, SUPERUSER
from apps.accounts.models import Project
from apps.accounts.oauth.scopes import ALL_PROJECTS, project_of
from apps.accounts.oauth.secrets import BEGINNING
from apps.accounts.records import WHILE_OWING, KeyRecord, UserRecord, credential
from apps.accounts.roles import user_record

__all__ = ["BEGINNING", "digest", "find", "records", "token_id"]

AccessToken = get_access_token_model()

#: what a token may that was given no action: tell whose it is
_IDENTITY: Final = frozenset({"self.read"})
#: tokens that expired are known this long, so that whoever shows one is told
_REMEMBERED: Final = timedelta(minutes=10)


def digest(token: str) -> bytes:
    """By which it is found: 256 random bits need no secret on top."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def token_id(row: Any) -> str:
    """Of its credential."""
    return f"oauth-{row.pk}"


def find(token: str) -> KeyRecord | None:
    """None: there is no such token, or it opens nothing. It may have expired a while ago."""
    row = _known().filter(token_checksum=digest(token).hex()).first()
    if row is None:
        return None
    owner_id = _owner_id(row)
    owner = user_record(owner_id) if owner_id is not None else None
    return _record(row, owner, _projects()) if owner else None


def records(users: Mapping[int, UserRecord]) -> list[KeyRecord]:
    """All that are known, for the memory of a web process. Two queries."""
    projects = _projects()
    found = (
        _record(row, users.get(owner_id), projects)
        for row in _known()
        if (owner_id := _owner_id(row)) is not None
    )
    return [record for record in found if record is not None]


def _known() -> Any:
    since = timezone.now() - _REMEMBERED
    found = AccessToken.objects.filter(expires__gt=since)
    return found.select_related("application__project", "application__user", "refresh_token")


def _owner_id(row: Any) -> int | None:
    """Whose rights it has: of whoever allowed it; a client that acts for itself has its owner's."""
    owner: int | None = row.user_id or row.application.user_id
    return owner


def _projects() -> set[str]:
    return set(Project.objects.filter(archived=None).values_list("slug", flat=True))


def _record(row: Any, owner: UserRecord | None, projects: set[str]) -> KeyRecord | None:
    if owner is None or not row.application.is_usable(None):
        return None
    if row.user_id is not None and row.created.timestamp() < owner.tokens_after:
        # "Log out everywhere", or a new password.
        return None
    scopes = row.scope.split()
    renewed_by = getattr(row, "refresh_token", None)
    project, role = _place(project_of(scopes), owner, projects)
    return credential(
        id=token_id(row),
        digest=bytes.fromhex(row.token_checksum),
        name=row.application.name,
        owner_id=owner.id,
        owner_name=owner.name,
        expires=row.expires.timestamp(),
        kind="oauth",
        family=str(renewed_by.token_family or "") if renewed_by else "",
        project=project,
        role=role,
        # Never none, which would stand for all.
        actions=WHILE_OWING if owner.owes else frozenset(scopes) & frozenset(ACTIONS) | _IDENTITY,
    )


def _place(chosen: str | None, owner: UserRecord, projects: set[str]) -> tuple[str, str]:
    """(project, role there). A superuser's token of one project is an owner's there, and reaches
    no further."""
    if chosen == ALL_PROJECTS and owner.superuser:
        return "", SUPERUSER
    if chosen is None or chosen not in projects:
        return NOWHERE, ""
    return chosen, "owner" if owner.superuser else owner.role(chosen)
