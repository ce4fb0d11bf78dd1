"""API keys: made, rotated and revoked. Their tokens are returned once and kept nowhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts.actions import scoping
from apps.accounts.actor import Actor
from apps.accounts.credentials import key_record, local_operator
from apps.accounts.digests import keyed_digest
from apps.accounts.hints import keys_changed
from apps.accounts.matrix.actions import rank
from apps.accounts.models import ApiKey, Project, User
from apps.accounts.models.keys import ApiKeyQuerySet
from apps.accounts.records import KeyRecord, KeyState, UserRecord, no_project
from apps.accounts.roles import user_record, user_records
from apps.audit import api as audit
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, MissingField, NotFound

_BEGINNING: Final = "xp-"
#: for which both keys work, if nobody says otherwise, and at most
OVERLAP, LONGEST_OVERLAP = timedelta(days=1), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as people may see it: without its digest."""

    id: str
    name: str
    prefix: str
    owner: str
    #: "": all of them
    project: str
    state: KeyState
    actions: tuple[str, ...]
    models: tuple[str, ...]
    networks: tuple[str, ...]
    created: datetime
    last_used: datetime | None
    expires: datetime | None
    revoked: datetime | None
    #: id of the key that took its place, and until when this one works beside it
    rotated_to: str | None
    valid_until: datetime | None


def keys(by: Actor | None = None) -> list[KeyInfo]:
    """Those that the actor may see, newest first, revoked ones included."""
    found = list(_seen(by))
    owners = user_records({key.owner_id for key in found})
    return [_info(key, owners.get(key.owner_id)) for key in found]


def key_info(key_id: str, by: Actor | None = None) -> KeyInfo:
    key = _get(key_id, by)
    return _info(key, user_record(key.owner_id))


def create_key(
    name: str,
    *,
    owner_id: int | None = None,
    owner_name: str | None = None,
    project: str | None = None,
    actions: Sequence[str] = (),
    models: Sequence[str] = (),
    networks: Sequence[str] = (),
    expires: datetime | None = None,
    token: str | None = None,
    by: Actor | None = None,
) -> tuple[str, KeyRecord]:
    """Make a key; the token is returned here and nowhere else, ever again.

    Without an owner it is the actor's own, or the first administrator's. Without a project it is
    for the one in which the actor acts; else for all if its owner is a superuser, and for their
    first one if not. ``token`` is for unattended set-ups that choose the key themselves.
    """
    name = name.strip()
    if not name:
        raise MissingField("Say in `name` what the key is for.", param="name")
    if len(name) > 100:
        raise InvalidValue("`name` has more than 100 characters.", param="name")
    _check_expiry(expires)
    owner = _owner(owner_id, owner_name, by)
    place = _project(project, owner, by)
    role = _role(owner, place)
    _check_owner(owner, role, by)
    own = by is not None and owner.id == by.user_id
    if token is None:
        token = _BEGINNING + secrets.token_urlsafe(32)
    elif not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue("A key is made of visible ASCII characters.", param="api_key")
    with transaction.atomic():
        key = _make(
            token,
            name=name,
            owner_id=owner.id,
            project=place,
            scopes={
                "actions": scoping.actions(actions, role, by, own),
                "models": scoping.models(models, by),
            },
            networks=scoping.networks(networks, by),
            expires=expires,
        )
        _record(by, "key.create", key, after=_told(key))
    return token, key_record(key, owner)


def rotate_key(
    key_id: str,
    *,
    overlap: timedelta = OVERLAP,
    by: Actor | None = None,
) -> tuple[str, KeyRecord]:
    """A new key in place of one, which works on for ``overlap``. It lives as long as the old one
    was made to. Raises Conflict for a key that opens nothing any more or was rotated before."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidValue(
            f"The overlap is from 0 to {LONGEST_OVERLAP.days} days.", param="overlap_seconds"
        )
    found = _get(key_id, by)
    owner = user_record(found.owner_id)
    if owner is None:
        raise Conflict(f"The owner of {found.name!r} is disabled.")
    role = _role(owner, found.project)
    _check_owner(owner, role, by)
    token = _BEGINNING + secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        # Of two who rotate at once the second one waits here, and finds it done.
        old = ApiKey.objects.select_for_update(of=("self",)).get(pk=found.pk)
        if old.state != "active":
            raise Conflict(f"The key {old.name!r} is {old.state} and cannot be rotated.")
        scopes = dict(old.scopes)
        if by is not None:
            _check_reach(old, owner, by)
            if not old.scope("actions"):
                own = owner.id == by.user_id
                scopes["actions"] = scoping.actions((), role, by, own)
        new = _make(
            token,
            name=old.name,
            owner_id=old.owner_id,
            project=old.project,
            scopes=scopes,
            networks=old.networks,
            expires=now + (old.expires - old.created) if old.expires else None,
        )
        before = _told(old)
        old.rotated_to, old.valid_until = new, now + overlap
        old.save(update_fields=["rotated_to", "valid_until"])
        _record(by, "key.rotate", old, before=before, after={**_told(old), "new": str(new.pk)})
    return token, key_record(new, owner)


def revoke_key(key_id: str, by: Actor | None = None) -> KeyInfo:
    """At once and for good. Revoking twice changes nothing."""
    with transaction.atomic():
        key = _get(key_id, by)
        changed = ApiKey.objects.filter(pk=key.pk, revoked=None).update(revoked=timezone.now())
        if changed:
            keys_changed(str(key.pk))
            _record(by, "key.revoke", key, before=_told(key))
    return key_info(key_id, by)


def revoke_keys_of(user: User, by: Actor | None, project: Project | None = None) -> None:
    """All of somebody's, or those in a project. Inside the caller's transaction."""
    mine = ApiKey.objects.filter(owner=user, revoked=None).select_related("owner", "project")
    if project is not None:
        mine = mine.filter(project=project)
    for key in mine:
        ApiKey.objects.filter(pk=key.pk).update(revoked=timezone.now())
        _record(by, "key.revoke", key, before=_told(key))
    keys_changed(*(str(key.pk) for key in mine))


def _make(token: str, **values: Any) -> ApiKey:
    digest = keyed_digest(token)
    if ApiKey.objects.filter(digest=digest).exists():
        raise InvalidValue("This key exists already.", param="api_key")
    key = ApiKey.objects.create(prefix=_shown(token), digest=digest, **values)
    keys_changed()
    return key


def _seen(by: Actor | None) -> ApiKeyQuerySet:
    found = ApiKey.objects.select_related("owner", "project")
    if by is None:
        return found
    if by.project:
        found = found.filter(project__slug=by.project)
    return found if by.may("keys.manage") else found.filter(owner_id=by.user_id)


def _get(key_id: str, by: Actor | None = None) -> ApiKey:
    try:
        return _seen(by).get(pk=key_id)
    except (ApiKey.DoesNotExist, ValidationError, ValueError):
        raise NotFound(f"There is no API key {str(key_id)[:100]!r}.", param="key_id") from None


def _owner(owner_id: int | None, owner_name: str | None, by: Actor | None) -> UserRecord:
    users = User.objects.filter(is_active=True)
    if owner_id is None and owner_name is None and by is not None:
        owner_id = by.user_id
    if owner_id is not None:
        users = users.filter(pk=owner_id)
    elif owner_name is not None:
        users = users.filter(username=owner_name)
    else:
        users = users.filter(is_superuser=True)
    found = users.order_by("pk").values_list("pk", flat=True).first()
    record = user_record(found) if found is not None else None
    if record is None:
        raise InvalidValue(f"There is no user {owner_name or owner_id or 'admin'}.", param="owner")
    return record


def _project(slug: str | None, owner: UserRecord, by: Actor | None) -> Project | None:
    """None: all of them."""
    slug = slug or (by.project if by is not None else "") or ""
    if by is not None and not by.sees(slug):
        raise no_project(slug)
    if not slug:
        if owner.superuser:
            return None
        slug = next(iter(owner.roles), "")
        if not slug:
            raise InvalidValue(f"{owner.name} is in no project.", param="owner")
    found = Project.objects.filter(slug=slug, archived=None).first()
    if found is None:
        raise no_project(slug)
    if not owner.superuser and slug not in owner.roles:
        raise InvalidValue(f"{owner.name} is not in the project {slug}.", param="owner")
    return found


def _role(owner: UserRecord, project: Project | None) -> str:
    if project is None:
        return owner.role(owner.project())
    return "owner" if owner.superuser else owner.role(project.slug)


def _check_owner(owner: UserRecord, role: str, by: Actor | None) -> None:
    """Whoever makes a key sees its token, and could use it as its owner."""
    if by is None:
        return
    if owner.id == by.user_id:
        return
    if not by.may("keys.manage"):
        raise Forbidden("Keys of others need the permission keys.manage.", param="owner")
    if rank(role) > rank(by.role):
        raise Forbidden(f"{owner.name} may do more than you: only they, or somebody who may as"
                        " much, make their keys.", param="owner")  # fmt: skip


def _check_reach(key: ApiKey, owner: UserRecord, by: Actor) -> None:
    """A new token of a key is good for all that the key is: that has to be within the actor's."""
    if beyond := key_record(key, owner).actions - by.actions:
        raise Forbidden(f"This key may do more than you: {min(beyond)}.", param="key_id")
    if by.models and not key.scope("models"):
        raise Forbidden("This key reaches more models than yours.", param="key_id")
    scoping.models(key.scope("models"), by)
    if by.networks and not key.networks:
        raise Forbidden("This key may be used from more places than yours.", param="key_id")
    scoping.networks(key.networks, by)


def _check_expiry(expires: datetime | None) -> None:
    if expires is not None and expires <= timezone.now():
        raise InvalidValue(f"`expires` is in the past: {expires.isoformat()}.", param="expires")


def _shown(token: str) -> str:
    """Enough to recognise a key, too little to guess the rest of one that somebody chose."""
    return token[: min(9, len(token) // 4)] + "…"


def _record(by: Actor | None, action: str, key: ApiKey, **values: Any) -> None:
    who = by or local_operator().actor()
    slug = key.project.slug if key.project else ""
    audit.record(who, action, "key", str(key.pk), slug, **values)


def _told(key: ApiKey) -> dict[str, Any]:
    """For the audit, under names that say nothing secret."""
    info = _info(key, None)
    return {
        "name": info.name,
        "begins": info.prefix,
        "owner": info.owner,
        "project": info.project,
        "actions": list(info.actions),
        "models": list(info.models),
        "networks": list(info.networks),
        "expires": info.expires.isoformat() if info.expires else None,
        "valid_until": info.valid_until.isoformat() if info.valid_until else None,
    }


def _info(key: ApiKey, owner: UserRecord | None) -> KeyInfo:
    state = key.state
    if state in ("active", "rotated") and owner and not _role(owner, key.project):
        state = "owner left"
    return KeyInfo(
        id=str(key.pk),
        name=key.name,
        prefix=key.prefix,
        owner=key.owner.username,
        project=key.project.slug if key.project else "",
        state=state,
        actions=key.scope("actions"),
        models=key.scope("models"),
        networks=tuple(key.networks),
        created=key.created,
        last_used=key.last_used,
        expires=key.expires,
        revoked=key.revoked,
        rotated_to=str(key.rotated_to_id) if key.rotated_to_id else None,
        valid_until=key.valid_until,
    )
