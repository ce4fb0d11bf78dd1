from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.crypto import salted_hmac


class SignsIn(AbstractBaseUser):
    """What an account knows of its logins."""

    #: tokens and sessions from before it are over
    tokens_after = models.DateTimeField(null=True, blank=True, editable=False)
    must_change_password = models.BooleanField(
        default=False, help_text="The next login lets in only to choose a new password."
    )

    class Meta:
        abstract = True

    def tokens_end(self, issued: float) -> bool:
        """Whether a token of that time (Unix) is over."""
        return self.tokens_after is not None and issued < self.tokens_after.timestamp()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Sessions end with a new password, as Django has it, and with "log out everywhere".
        after = self.tokens_after.isoformat() if self.tokens_after else ""
        return salted_hmac(
            "apps.accounts.models.User.session",
            f"{self.password}{after}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()
