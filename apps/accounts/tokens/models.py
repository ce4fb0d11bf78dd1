from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Login(models.Model):
    """A login that gave tokens, until it is ended. Changed by ``tokens.actions`` alone."""

    class Why(models.TextChoices):
        LOGOUT = "logout", "logged out"
        REUSED = "reused", "an old refresh token was shown again"
        EVERYWHERE = "everywhere", "logged out everywhere, or the password was changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="logins"
    )
    #: ``jti`` of the one refresh token that works; "": a page's, which none was given to
    newest = models.CharField(max_length=32, editable=False)
    address = models.CharField(max_length=45, blank=True, editable=False)
    client = models.CharField(max_length=200, blank=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    refreshed = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(editable=False)
    ended = models.DateTimeField(null=True, blank=True, editable=False)
    why = models.CharField(max_length=10, blank=True, choices=Why.choices, editable=False)

    class Meta:
        ordering = ["-refreshed"]
        indexes = [models.Index(fields=["ended"], name="accounts_login_ended")]

    def __str__(self) -> str:
        return f"{self.user_id} from {self.address or 'somewhere'}"

    @property
    def state(self) -> str:
        if self.ended is not None:
            return "ended"
        return "expired" if self.expires <= timezone.now() else "active"
