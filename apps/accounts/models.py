"""Who may use the platform, and with which keys."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone


class User(AbstractUser):
    """Our own from the first migration on, so that later issues can add to it."""

    class Meta(AbstractUser.Meta):
        db_table = "accounts_user"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self) -> ApiKeyQuerySet:
        """Keys that open the door now."""
        return self.filter(
            Q(expires=None) | Q(expires__gt=timezone.now()),
            revoked=None,
            owner__is_active=True,
        )


class ApiKey(models.Model):
    """A key as we know it: never the key itself, only what recognises it.

    Rows are made and changed by ``apps.accounts.api`` alone, which tells the web processes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, help_text="What it is for, in your words.")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    prefix = models.CharField(
        max_length=16, editable=False, help_text="The beginning, to tell keys apart."
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    #: written in batches, never while a request waits
    last_used = models.DateTimeField(null=True, blank=True, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def state(self) -> str:
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and self.expires <= timezone.now():
            return "expired"
        return "active" if self.owner.is_active else "owner disabled"
