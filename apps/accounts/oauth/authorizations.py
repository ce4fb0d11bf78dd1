"""Which applications may act for somebody, and the end of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import (
    clear_expired,
    get_access_token_model,
    get_device_grant_model,
    get_grant_model,
    get_refresh_token_model,
)

from apps.accounts.oauth.scopes import in_project, project_of

AccessToken, RefreshToken = get_access_token_model(), get_refresh_token_model()


@dataclass(frozen=True, slots=True)
class Authorization:
    client_id: str
    name: str
    scopes: list[str]
    project: str | None
    since: datetime
    expires: datetime


def of(user_id: int) -> list[Authorization]:
    """One of each application and project, the newest first."""
    alive = Q(expires__gt=timezone.now()) | Q(refresh_token__revoked=None) & Q(
        refresh_token__isnull=False
    )
    tokens = AccessToken.objects.filter(alive, user_id=user_id).select_related("application")
    newest: dict[tuple[str, str | None], Authorization] = {}
    for token in tokens.order_by("-created"):
        scopes = token.scope.split()
        project = project_of(scopes)
        key = token.application.client_id, project
        newest.setdefault(
            key,
            Authorization(
                client_id=token.application.client_id,
                name=token.application.name,
                scopes=in_project(scopes, None),
                project=project,
                since=token.created,
                expires=token.expires,
            ),
        )
    return list(newest.values())


def revoke(user_id: int, client_id: str | None = None) -> int:
    """All that one application, or every one, holds for a user; how many tokens that were."""
    theirs = Q(user_id=user_id)
    if client_id is not None:
        theirs &= Q(application__client_id=client_id)
    with transaction.atomic():
        count: int = RefreshToken.objects.filter(theirs, revoked=None).update(
            revoked=timezone.now()
        )
        for token in AccessToken.objects.filter(theirs):
            # One by one: the signal tells the web processes.
            token.delete()
            count += 1
        get_grant_model().objects.filter(theirs).delete()
    return count


def prune() -> None:
    """Remove what has expired: codes, tokens and devices. Called by the control plane."""
    clear_expired()
    get_device_grant_model().objects.filter(expires__lt=timezone.now()).delete()
