from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models.people import Project, User
from apps.accounts.records import KeyState

#: keys that expired are known this long, so that whoever shows one is told
REMEMBERED: Final = timedelta(days=30)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def known(self) -> ApiKeyQuerySet:
        """Keys that open the door now, and those that did until they expired a while ago."""
        since = timezone.now() - REMEMBERED
        return self.filter(
            Q(expires=None) | Q(expires__gt=since),
            Q(valid_until=None) | Q(valid_until__gt=since),
            Q(project=None) | Q(project__archived=None),
            revoked=None,
            owner__is_active=True,
        )


class ApiKey(models.Model):
    """A key as we know it: never the key itself, only what recognises it.

    Rows are made and changed by ``apps.accounts.actions.keys`` alone, which tells the web
    processes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, help_text="What it is for, in your words.")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    #: none: a superuser's key, for all projects
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.PROTECT, related_name="api_keys"
    )
    prefix = models.CharField(
        max_length=16, editable=False, help_text="The beginning, to tell keys apart."
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    #: {"actions": [names], "models": [globs]}; what is empty leaves all that the owner may
    scopes = models.JSONField(default=dict, blank=True)
    #: networks (CIDR) that it may be used from; none: from anywhere
    networks = models.JSONField(default=list, blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    #: written in batches, never while a request waits
    last_used = models.DateTimeField(null=True, blank=True, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True, editable=False)
    #: the key that took its place; this one works on until ``valid_until``
    rotated_to = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="rotated_from",
    )
    valid_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def ends(self) -> datetime | None:
        """When it opens nothing any more, whichever comes first."""
        return min((at for at in (self.expires, self.valid_until) if at), default=None)

    @property
    def state(self) -> KeyState:
        if self.revoked is not None:
            return "revoked"
        if self.ends is not None and self.ends <= timezone.now():
            return "expired"
        if not self.owner.is_active:
            return "owner disabled"
        if self.project is not None and self.project.archived is not None:
            return "project archived"
        return "active" if self.rotated_to_id is None else "rotated"

    def scope(self, name: str) -> tuple[str, ...]:
        given: Any = self.scopes.get(name) or ()
        return tuple(given)
