"""Join tokens: with one a machine may become a node. Shown once, stored as a keyed hash."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from apps.accounts.api import key_digest
from apps.audit import api as audit
from apps.models.models import JoinToken, Node
from apps.models.nodes import leaving
from apps.models.nodes.admission import REVOKED
from xplatform.core.errors import InvalidValue, MissingField, NotAuthenticated, NotFound

#: looks like an API key, so that logs mask it
_BEGINNING = "xp-join-"


@dataclass(frozen=True, slots=True)
class JoinTokenInfo:
    """A token as people may see it."""

    id: str
    name: str
    prefix: str
    #: active, revoked, expired
    state: str
    created: datetime
    created_by: str
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    #: machines that joined with it
    nodes: tuple[str, ...]


def create_join_token(
    name: str, expires: datetime | None = None, by: str = ""
) -> tuple[str, JoinTokenInfo]:
    """The token is returned here and nowhere else, ever again."""
    name = name.strip()
    if not name:
        raise MissingField("Say in `name` what the token is for.", param="name")
    if len(name) > 100:
        raise InvalidValue("`name` has more than 100 characters.", param="name")
    if expires is not None and expires <= timezone.now():
        raise InvalidValue(f"`expires` is in the past: {expires.isoformat()}.", param="expires")
    token = _BEGINNING + secrets.token_urlsafe(32)
    with transaction.atomic():
        made = JoinToken.objects.create(
            name=name,
            prefix=token[: len(_BEGINNING) + 4] + "…",
            digest=_digest(token),
            created_by=by[:150],
            expires=expires,
        )
        about = {"name": name, "expires": expires}
        audit.record(by, "join_token.create", "join token", made.pk, after=about)
    return token, _info(made, ())


def join_tokens() -> list[JoinTokenInfo]:
    """Newest first, revoked ones included."""
    nodes = Prefetch("nodes", queryset=Node.objects.only("name", "join_token"))
    return [_info(token, token.nodes.all()) for token in JoinToken.objects.prefetch_related(nodes)]


def join_token(token_id: str) -> JoinTokenInfo:
    token = _get(token_id)
    return _info(token, token.nodes.all())


def revoke_join_token(token_id: str, by: str = "") -> JoinTokenInfo:
    """At once and for good: no machine joins with it any more, and those that did are cut off.
    Revoking twice changes nothing."""
    token = _get(token_id)
    with transaction.atomic():
        changed = JoinToken.objects.filter(pk=token.pk, revoked=None).update(revoked=timezone.now())
        if changed:
            leaving.send_away(list(token.nodes.all()), REVOKED, by)
            about = {"name": token.name}
            audit.record(by, "join_token.revoke", "join token", token.pk, before=about)
    return join_token(token_id)


def check_join_token(token: str, name: str, instance: str) -> JoinToken:
    """For a machine that joins. Raises NotAuthenticated. A token that has expired lets in nobody
    new, but a machine that it let in once may start again."""
    found = JoinToken.objects.filter(digest=_digest(token)).first()
    if found is None:
        raise NotAuthenticated("The join token is unknown.")
    state = _state(found)
    known = bool(instance) and found.nodes.filter(name=name, instance=instance).exists()
    if state == "revoked" or (state == "expired" and not known):
        raise NotAuthenticated(f"The join token {found.name!r} is {state}; ask for a new one.")
    JoinToken.objects.filter(pk=found.pk).update(last_used=timezone.now())
    return found


def _digest(token: str) -> bytes:
    # Of a kind of its own: no API key is a join token, nor the other way round.
    return key_digest("join:" + token)


def _get(token_id: str) -> JoinToken:
    token = JoinToken.objects.filter(pk=token_id).first() if str(token_id).isdigit() else None
    if token is None:
        raise NotFound(f"There is no join token {str(token_id)[:50]!r}.", param="id")
    return token


def _state(token: JoinToken) -> str:
    if token.revoked is not None:
        return "revoked"
    if token.expires is not None and token.expires <= timezone.now():
        return "expired"
    return "active"


def _info(token: JoinToken, nodes: Iterable[Node]) -> JoinTokenInfo:
    return JoinTokenInfo(
        id=str(token.pk),
        name=token.name,
        prefix=token.prefix,
        state=_state(token),
        created=token.created,
        created_by=token.created_by,
        expires=token.expires,
        revoked=token.revoked,
        last_used=token.last_used,
        nodes=tuple(sorted(node.name for node in nodes)),
    )
