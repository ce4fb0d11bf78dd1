"""Users: made, changed, disabled and deleted, by superusers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts import farewells
from apps.accounts.actions import keys
from apps.accounts.actions.guard import changing_people, check
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.roles import all_roles
from apps.accounts.tokens.actions import end_all
from apps.audit import api as audit
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, MissingField, NotFound

_ACTION: Final = "users.manage"
#: what ``change_user`` takes
_CHANGEABLE: Final = ("email", "first_name", "last_name", "is_active", "is_superuser", "is_staff")


@dataclass(frozen=True, slots=True)
class UserInfo:
    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    is_active: bool
    is_superuser: bool
    #: may come to Django's admin; nothing else follows from it
    is_staff: bool
    #: has one to log in with
    has_password: bool
    roles: Mapping[str, str]
    groups: tuple[str, ...]
    created: datetime
    last_login: datetime | None


def users(by: Actor | None = None) -> list[UserInfo]:
    check(by, _ACTION)
    people = list(User.objects.order_by("username").prefetch_related("groups"))
    roles = all_roles()
    return [_info(user, roles.get(user.pk, {})) for user in people]


def user_info(username: str, by: Actor | None = None) -> UserInfo:
    check(by, _ACTION)
    return info_of(named(username))


def info_of(user: User) -> UserInfo:
    return _info(user, all_roles([user.pk]).get(user.pk, {}))


def named(username: str, param: str = "username") -> User:
    """Raises NotFound, which blames ``param``."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise NotFound(f"There is no user {username[:100]!r}.", param=param)
    return found


def create_user(
    username: str,
    password: str | None = None,
    *,
    must_change_password: bool = False,
    by: Actor | None = None,
    **values: Any,
) -> UserInfo:
    """Without a password they cannot log in by one: they come by single sign-on, or have keys.
    One that they ``must_change`` is good for one login.

    Raises InvalidValue, and Conflict for a name that is taken."""
    actor = check(by, _ACTION)
    user = User(username=_name(username), **_checked(values))
    if user.is_superuser:
        user.is_staff = values.get("is_staff", True)
    _check_height(user, actor)
    _clean(user)
    _set_password(user, password)
    user.must_change_password = must_change_password and password is not None
    with changing_people():
        _save(user)
        audit.record(actor, "user.create", "user", user.username, after=_told(user))
    return info_of(user)


def change_user(username: str, *, by: Actor | None = None, **values: Any) -> UserInfo:
    """Raises Conflict when it would leave no superuser, or a project without an owner."""
    actor = check(by, _ACTION)
    changed = _checked(values)
    with changing_people():
        user = named(username)
        before = _told(user)
        _check_height(user, actor)
        for name, value in changed.items():
            setattr(user, name, value)
        _check_height(user, actor)
        _clean(user)
        user.save(update_fields=list(changed) or None)
        audit.record(actor, "user.change", "user", user.username, before=before, after=_told(user))
    return info_of(user)


def set_password(username: str, password: str | None, *, by: Actor | None = None) -> None:
    """None takes it away. Their sessions and tokens end with the
    old one, and they choose one of their own at the next login."""
    actor = check(by, _ACTION)
    with changing_people():
        user = named(username)
        _check_height(user, actor)
        _set_password(user, password)
        user.save(update_fields=["password"])
        _was_set(user, actor)
        had = {"given": password is not None}
        audit.record(actor, "user.set_password", "user", user.username, after=had)


def password_was_set(user_id: int, *, by: Actor) -> User:
    """A form of Django's has set it, within ``changing_people``."""
    user = User.objects.get(pk=user_id)
    _was_set(user, check(by, _ACTION))
    return user


def delete_user(username: str, *, by: Actor | None = None) -> None:
    """With their keys, memberships and what they kept for themselves. What they launched stays."""
    actor = check(by, _ACTION)
    with changing_people():
        user = named(username)
        before = _told(user)
        _check_height(user, actor)
        keys.revoke_keys_of(user, actor)
        farewells.user_is_deleted(user.username)
        user.delete()
        audit.record(actor, "user.delete", "user", username, before=before)


def password_for(user: User, password: str, param: str = "password") -> None:
    """Raises InvalidValue for one that is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidValue(" ".join(error.messages), param=param) from None


def new_password() -> str:
    return secrets.token_urlsafe(15)


def _check_height(user: User, actor: Actor) -> None:
    """A credential that is scoped to ``users.manage`` would otherwise be worth all others: it
    could make itself a superuser, or log in as one."""
    if user.is_superuser and not actor.superuser:
        raise Forbidden(
            f"{user.username!r} may do more than this key: that takes an unscoped superuser."
        )


def _name(username: str) -> str:
    username = User.normalize_username(username.strip())
    if not username:
        raise MissingField("Say in `username` who it is.", param="username")
    taken = User.objects.filter(username__iexact=username).exists()
    if taken:
        # Not even in other letters: people would take one for the other.
        raise Conflict(f"The name {username!r} is taken.", param="username")
    return username


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := set(values) - set(_CHANGEABLE):
        raise TypeError(f"users have no {', '.join(sorted(unknown))}")
    return dict(values)


def _clean(user: User) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise InvalidValue(f"`{field}`: {' '.join(problems)}", param=field) from None


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    password_for(user, password)
    user.set_password(password)


def _was_set(user: User, actor: Actor) -> None:
    # Whoever sets it for somebody else knows it: its owner chooses a new one.
    user.must_change_password = user.has_usable_password() and actor.user_id != user.pk
    user.save(update_fields=["must_change_password"])
    end_all(user)


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"The name {user.username!r} is taken.", param="username") from None


def _info(user: User, roles: Mapping[str, str]) -> UserInfo:
    return UserInfo(
        id=user.pk,
        username=user.username,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        is_active=user.is_active,
        is_superuser=user.is_superuser,
        is_staff=user.is_staff,
        has_password=user.has_usable_password(),
        roles=dict(sorted(roles.items())),
        groups=tuple(sorted(group.name for group in user.groups.all())),
        created=user.date_joined,
        last_login=user.last_login,
    )


def _told(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("username", *_CHANGEABLE)}
