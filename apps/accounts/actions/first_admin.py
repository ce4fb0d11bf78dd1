"""The first administrator, made by somebody who has no account yet.

``xplatform serve`` makes one at its first start and shows the password once. Where that was not
done, or all administrators are gone, whoever has the set-up code makes one. It lies in the home
(``secrets/setup``), which its reader owns anyhow. Where a request comes from is no proof: behind
a reverse proxy everybody comes from this machine.
"""

from __future__ import annotations

import hmac

from django.core.exceptions import ValidationError

from apps.accounts import lockout
from apps.accounts.actions.guard import changing_people
from apps.accounts.actions.users import password_for
from apps.accounts.credentials import local_operator
from apps.accounts.models import User
from apps.audit import api as audit
from xplatform.core.config import secret
from xplatform.core.errors import Conflict, Forbidden, InvalidValue


def needs_setup() -> bool:
    return not User.objects.filter(is_superuser=True, is_active=True).exists()


def setup_code() -> str:
    return secret("setup")


def make_first_admin(code: str, username: str, password: str, address: str) -> User:
    """Raises Forbidden for a wrong code or where there is an administrator, TooManyAttempts,
    InvalidValue, Conflict."""
    attempt = lockout.begin(address, kind="setup")
    if not needs_setup():
        attempt.undecided()
        raise Forbidden("Set-up is over: there is an administrator already.")
    if not hmac.compare_digest(code.strip().encode(), setup_code().encode()):
        raise Forbidden("The set-up code is wrong. 'manage.py setup_code' prints it on the server.")
    attempt.succeeded()
    user = User(username=User.normalize_username(username), is_superuser=True, is_staff=True)
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise InvalidValue(" ".join(error.messages), param="username") from None
    password_for(user, password)
    user.set_password(password)
    # Of two who come at once the second one waits here, and is too late.
    with changing_people():
        if not needs_setup():
            raise Forbidden("Set-up is over: there is an administrator already.")
        if User.objects.filter(username__iexact=username).exists():
            raise Conflict(f"The name {username!r} is taken.", param="username")
        user.save(force_insert=True)
        actor = local_operator().actor(address)
        audit.record(actor, "user.create", "user", username, after={"superuser": True})
    return user
