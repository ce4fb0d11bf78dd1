"""What a person still owes before they are let in to more than their own account.

It lies on the person and not on the login: a new password that is due, or a second factor that
the operator demands, holds sessions and tokens to ``self.read`` and ``self.write`` wherever they
came from. API keys are machines' and go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.expressions import Combinable

from apps.accounts.second_factor import checks
from apps.accounts.second_factor.models import Authenticator, Passkey
from xplatform.core.config import settings

if TYPE_CHECKING:
    from apps.accounts.models import User


def owed(user: User) -> dict[str, bool]:
    """What is due, by the names that the answers of a login have; empty: nothing."""
    due = {}
    if user.must_change_password and user.has_usable_password():
        due["must_change_password"] = True
    if checks.wants_factor(user) and not checks.has_factor(user):
        due["must_add_second_factor"] = True
    return due


def owes() -> Combinable:
    """The same as an expression for a query of users: true or false."""
    due = Q(must_change_password=True)
    rule = settings().require_second_factor
    if rule != "never":
        confirmed = Authenticator.objects.filter(user=OuterRef("pk")).exclude(confirmed=None)
        passkey = Passkey.objects.filter(user=OuterRef("pk"))
        asked = Q(is_superuser=True) if rule == "superusers" else Q()
        due |= asked & ~Exists(confirmed) & ~Exists(passkey)
    has_password = ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return ExpressionWrapper(has_password & due, BooleanField())


def sentence(due: dict[str, bool]) -> str:
    """For a refusal: what to do first."""
    if "must_change_password" in due:
        return "Choose a new password first (PUT /api/me/password)."
    return "Set up a second factor first (/api/me/second-factor)."
