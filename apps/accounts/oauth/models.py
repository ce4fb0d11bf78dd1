"""Applications that sign people in, or themselves. Tokens, codes and device grants are
django-oauth-toolkit's own tables: it keeps tokens as their SHA-256 alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractApplication, ApplicationManager
from oauth2_provider.utils import jwk_from_pem

from apps.accounts.oauth.signing import signing_key


class Application(AbstractApplication):  # type: ignore[misc]
    """A program that acts for users who allowed it, or (client credentials) for its owner.

    ``user`` is that owner. Rows are made and changed by ``apps.accounts.oauth.applications``.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="owner",
        help_text="Who made it; with client credentials it acts for them.",
    )
    #: no project: whoever consents chooses one of theirs. Only superusers make such.
    project = models.ForeignKey(
        "accounts.Project",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The one project in which it may act; empty: the user chooses one of theirs.",
    )
    scopes = models.TextField(
        blank=True, default="", help_text="What it may ask for at most; empty: anything."
    )
    disabled = models.BooleanField(default=False, help_text="Its tokens open nothing.")

    objects = ApplicationManager()

    class Meta(AbstractApplication.Meta):  # type: ignore[misc]
        verbose_name = "OAuth application"

    def natural_key(self) -> tuple[str]:
        return (self.client_id,)

    def save(self, *args: Any, **kwargs: Any) -> None:
        # A hashed secret cannot sign, and an application without an algorithm fails at its first
        # ID token.
        self.algorithm = self.RS256_ALGORITHM
        self.hash_client_secret = True
        super().save(*args, **kwargs)

    @property
    def jwk_key(self) -> Any:
        """What signs its ID tokens now."""
        return jwk_from_pem(signing_key())

    def is_usable(self, request: object) -> bool:
        if self.disabled or (self.project is not None and self.project.archived is not None):
            return False
        if self.authorization_grant_type != self.GRANT_CLIENT_CREDENTIALS:
            return True
        return self.user is not None and self.user.is_active

    def get_allowed_schemes(self) -> list[str]:
        # Programs on people's machines have schemes of their own; the addresses were checked when
        # they were registered.
        named = f"{self.redirect_uris} {self.post_logout_redirect_uris}".split()
        return sorted({urlsplit(uri).scheme for uri in named} | {"https"})

    def get_absolute_url(self) -> str:
        return f"/api/applications/{self.client_id}"
