"""People choose their own passwords. What administrators do to them is in ``users``."""

from __future__ import annotations

from django.db import transaction

from apps.accounts import notices
from apps.accounts.actions.users import password_for
from apps.accounts.hints import keys_changed
from apps.accounts.models import User
from apps.accounts.tokens.actions import end_all
from xplatform.core.errors import InvalidValue


def choose_password(user: User, password: str, address: str, *, param: str = "password") -> None:
    """The face has asked for the old one. All sessions and tokens end: whoever chooses a new
    password may do so because somebody else knows the old one.

    Raises InvalidValue for one that is too weak, or the same."""
    password_for(user, password, param)
    if user.check_password(password):
        raise InvalidValue("This is the old password.", param=param)
    with transaction.atomic():
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        end_all(user)
        notices.record(user, address, "user.choose_password")
        keys_changed()


def forget_logins(user: User, address: str) -> None:
    """Log out everywhere."""
    with transaction.atomic():
        end_all(user)
        notices.record(user, address, "login.end_all")
