"""What has to be there before anybody can come in."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.actions.keys import create_key
from apps.accounts.credentials import local_operator
from apps.accounts.hints import keys_changed
from apps.accounts.models import ApiKey, Project, User
from apps.accounts.models.people import DEFAULT_PROJECT
from apps.audit import api as audit
from xplatform.core.errors import InvalidValue


def ensure_default_project() -> str:
    """Its slug. Everything that was made before there were projects is its."""
    Project.objects.get_or_create(slug=DEFAULT_PROJECT, defaults={"title": "Default"})
    return DEFAULT_PROJECT


def ensure_admin(password: str = "") -> tuple[str, str] | None:
    """The first administrator: (name, password) if one was made, None if there is one.

    A password that was given must pass the same checks as anybody's."""
    ensure_default_project()
    if User.objects.filter(is_superuser=True).exists():
        return None
    if password:
        try:
            validate_password(password, User(username="admin"))
        except ValidationError as error:
            raise InvalidValue(
                "The setting admin_password is too weak: " + " ".join(error.messages),
                param="admin_password",
            ) from None
    password = password or secrets.token_urlsafe(15)
    with transaction.atomic():
        user = User.objects.create_superuser(username=_free_name("admin"), password=password)
        audit.record(
            local_operator().actor(),
            "user.create",
            "user",
            user.username,
            after={"superuser": True},
        )
        keys_changed()
    return user.username, password


def ensure_first_key(token: str = "") -> str | None:
    """The first API key: the token if one was made, None if there is any key already."""
    if ApiKey.objects.exists():
        return None
    return create_key("first key", token=token or None)[0]


def _free_name(name: str) -> str:
    taken = set(User.objects.filter(username__startswith=name).values_list("username", flat=True))
    return next(n for n in [name, *(f"{name}{i}" for i in range(2, 1000))] if n not in taken)
