"""Making, changing and removing providers: superusers do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Project
from apps.accounts.sso import rules
from apps.accounts.sso.models import SsoProvider
from apps.accounts.sso.session import NotThere, check_address, host_of
from xplatform.core.errors import InvalidValue, NotFound

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider as superusers may see it: without its secret."""

    name: str
    title: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: str
    hosts: list[str]
    enabled: bool
    default: bool
    create_users: bool
    link_by_email: bool
    username_claim: str
    rules: list[dict[str, Any]]
    rule_needed: bool
    users: int
    created: datetime


def info(provider: SsoProvider) -> ProviderInfo:
    return ProviderInfo(
        name=provider.name,
        title=provider.title,
        issuer=provider.issuer,
        client_id=provider.client_id,
        # Not by the attribute, which would open it.
        has_secret=bool(vars(provider).get("client_secret")),
        scopes=provider.scopes,
        hosts=provider.hosts,
        enabled=provider.enabled,
        default=provider.default,
        create_users=provider.create_users,
        link_by_email=provider.link_by_email,
        username_claim=provider.username_claim,
        rules=provider.rules,
        rule_needed=provider.rule_needed,
        users=provider.identities.count() if provider.pk else 0,
        created=provider.created,
    )


def all_providers() -> list[SsoProvider]:
    return list(SsoProvider.objects.all())


def find(name: str) -> SsoProvider:
    provider = SsoProvider.objects.filter(name=name).first()
    if provider is None:
        raise NotFound(f"There is no single sign-on provider {name[:50]!r}.", param="name")
    return provider


def create(name: str, values: Mapping[str, Any]) -> ProviderInfo:
    if SsoProvider.objects.filter(name=name).exists():
        raise InvalidValue(f"There is a provider {name!r} already.", param="name")
    provider = SsoProvider(name=name, default=not SsoProvider.objects.exists())
    return change(provider, values)


def change(provider: SsoProvider, values: Mapping[str, Any]) -> ProviderInfo:
    """``values``: any fields of the model but its name."""
    for field, value in values.items():
        setattr(provider, field, value)
    provider.title = provider.title or provider.name
    check(provider)
    with transaction.atomic():
        if provider.default:
            SsoProvider.objects.exclude(pk=provider.pk).update(default=False)
        provider.save()
    return info(provider)


def remove(provider: SsoProvider) -> ProviderInfo:
    """People keep their accounts, and what the rules gave them, until somebody takes it away."""
    before = info(provider)
    provider.delete()
    return before


def check(provider: SsoProvider) -> None:
    provider.hosts = [host.lower() for host in provider.hosts]
    for host in provider.hosts:
        if not _HOST.fullmatch(host):
            raise InvalidValue(f"{host[:100]!r} is no name of a host.", param="hosts")
    issuer = provider.issuer
    try:
        if "?" in issuer or "#" in issuer or "@" in issuer:
            raise NotThere("it has more than a host and a path")
        check_address(issuer, {host_of(issuer)} - {""})
    except NotThere as error:
        raise InvalidValue(
            f"{issuer[:200]!r} is no issuer: {error}. It looks like https://login.example.com.",
            param="issuer",
        ) from None
    if "openid" not in provider.scopes.split():
        raise InvalidValue("`scopes` must have openid among them.", param="scopes")
    rules.check(provider.rules, Project.objects.values_list("slug", flat=True))
