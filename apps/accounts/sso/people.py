"""From claims to a user: found, made or refused, and given what the provider's rules say."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.actions.guard import changing_people
from apps.accounts.hints import keys_changed
from apps.accounts.matrix.actions import rank
from apps.accounts.models import Membership, Project, User
from apps.accounts.sso import rules
from apps.accounts.sso.models import SsoIdentity, SsoProvider
from apps.audit.api import record
from xplatform.core.errors import Conflict, Forbidden

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a login changes of somebody's rights."""

    #: what the rules give, and nobody gave by hand: slug → role
    granted: dict[str, str]
    #: slug → the role from now on; "": none any more
    roles: dict[str, str]
    #: None: as it is
    superuser: bool | None

    @property
    def changes(self) -> bool:
        return bool(self.roles) or self.superuser is not None


def arrived(provider: SsoProvider, claims: Mapping[str, Any]) -> User:
    """Whoever has logged in there, with what they may do here. Raises Forbidden."""
    given = rules.given(provider.rules, claims)
    if provider.rule_needed and not given.any:
        raise Forbidden(f"{provider.title} knows you, but you are not allowed to use this server.")
    with transaction.atomic():
        identity = _identity(provider, claims)
        user = identity.user
        if not user.is_active:
            raise Forbidden("This account is disabled here.")
        identity.last_login = timezone.now()
        identity.save()
    # Most logins change nothing, and need not wait for each other.
    plan = _plan(identity, given)
    if plan.changes:
        _apply(identity, plan)
    return user


def _identity(provider: SsoProvider, claims: Mapping[str, Any]) -> SsoIdentity:
    subject = claims["sub"]
    known = SsoIdentity.objects.select_for_update().select_related("user")
    found = known.filter(provider=provider, subject=subject).first()
    if found is not None:
        return found
    user = _by_email(provider, claims)
    how = "linked"
    if user is None:
        if not provider.create_users:
            raise Forbidden(f"{provider.title} knows you, but you have no account here.")
        user, how = _made(provider, claims), "made"
    try:
        with transaction.atomic():
            identity = SsoIdentity.objects.create(provider=provider, subject=subject, user=user)
    except IntegrityError:
        # The same person in another window, a moment before.
        if how == "made":
            user.delete()
        return known.get(provider=provider, subject=subject)
    record(
        user.username,
        f"sso.{how}",
        "user",
        user.username,
        after={"provider": provider.name, "subject": subject},
    )
    return identity


def _by_email(provider: SsoProvider, claims: Mapping[str, Any]) -> User | None:
    """The one existing account with this address, if the provider has verified it and the operator
    trusts the provider with that. Never a superuser's: whoever runs the provider would be one."""
    email = claims.get("email")
    if not provider.link_by_email or claims.get("email_verified") is not True or not email:
        return None
    found = list(User.objects.filter(email__iexact=str(email))[:2])
    if len(found) != 1 or found[0].is_superuser or found[0].is_staff:
        return None
    return found[0]


def _made(provider: SsoProvider, claims: Mapping[str, Any]) -> User:
    wanted = str(claims.get(provider.username_claim) or claims.get("email") or "")
    # Of an address the part that is a name.
    name = re.sub(r"[^\w.+-]", "", wanted.partition("@")[0])[:100] or provider.name
    taken = set(User.objects.filter(username__istartswith=name).values_list("username", flat=True))
    lower = {each.lower() for each in taken}
    free = name
    number = 2
    while free.lower() in lower:
        free, number = f"{name}{number}", number + 1
    user = User(
        username=free,
        email=_email(claims),
        first_name=str(claims.get("given_name") or claims.get("name") or "")[:150],
        last_name=str(claims.get("family_name") or "")[:150],
    )
    user.set_unusable_password()
    user.save()
    keys_changed()
    return user


def _email(claims: Mapping[str, Any]) -> str:
    email = str(claims.get("email") or "")
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _plan(identity: SsoIdentity, given: rules.Given) -> _Plan:
    """What the rules say now. What they gave the last time and give no more is taken back; what
    somebody here has given by hand stays."""
    before: dict[str, str] = identity.granted
    known = Project.objects.filter(slug__in={*before, *given.roles}, archived=None)
    slugs = set(known.values_list("slug", flat=True))
    members = Membership.objects.filter(user=identity.user, project__slug__in=slugs)
    now = dict(members.values_list("project__slug", "role"))
    granted, roles = {}, {}
    for slug in slugs:
        role, has = given.roles.get(slug, ""), now.get(slug, "")
        by_hand = has and has != before.get(slug)
        if by_hand and rank(has) >= rank(role):
            continue
        if role:
            granted[slug] = role
        if role != has:
            roles[slug] = role
    differs = given.superuser != identity.user.is_superuser
    ours = given.superuser or identity.granted_superuser
    return _Plan(granted, roles, given.superuser if differs and ours else None)


def _apply(identity: SsoIdentity, plan: _Plan) -> None:
    """One by one: the last superuser and a project's last owner stay what they are, whatever the
    rules say, and all the rest changes."""
    user, granted = identity.user, dict(plan.granted)
    changed: dict[str, Any] = {}
    for slug, role in plan.roles.items():
        if _done(identity, partial(_set_role, user, slug, role)):
            changed[slug] = role or "none"
        else:
            granted[slug] = identity.granted[slug]
    superuser = plan.superuser
    if superuser is not None and _done(identity, partial(_set_superuser, user, superuser)):
        changed["superuser"] = identity.granted_superuser = superuser
    identity.granted = granted
    identity.save()
    after = {"provider": identity.provider.name, **changed}
    record(user.username, "sso.roles", "user", user.username, after=after)


def _done(identity: SsoIdentity, change: Callable[[], None]) -> bool:
    try:
        with changing_people():
            change()
    except Conflict as error:
        log.warning("Single sign-on of %s: %s", identity.user.username, error)
        return False
    return True


def _set_role(user: User, slug: str, role: str) -> None:
    if not role:
        Membership.objects.filter(user=user, project__slug=slug).delete()
        return
    project = Project.objects.get(slug=slug)
    Membership.objects.update_or_create(user=user, project=project, defaults={"role": role})


def _set_superuser(user: User, superuser: bool) -> None:
    rights = {"is_superuser": superuser, "is_staff": superuser}
    User.objects.filter(pk=user.pk).update(**rights)
