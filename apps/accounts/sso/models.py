"""Other servers that tell us who somebody is, and whom they have told us about."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from apps.accounts.fields import SealedText


class SsoProvider(models.Model):
    """An OpenID Connect provider. Rows are made and changed by ``apps.accounts.sso.providers``."""

    name = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9-]+$")],
        help_text="In the addresses /sso/<name>/login and /sso/<name>/callback.",
    )
    title = models.CharField(max_length=100, help_text="On the button.")
    issuer = models.CharField(
        max_length=500, help_text="What /.well-known/openid-configuration is appended to."
    )
    client_id = models.CharField(max_length=500)
    client_secret = SealedText(blank=True, default="")
    scopes = models.CharField(max_length=500, default="openid profile email")
    hosts = models.JSONField(
        default=list,
        blank=True,
        help_text="Hosts besides the issuer's own that this server may call for it.",
    )
    enabled = models.BooleanField(default=True)
    #: the one of /api/oidc/…
    default = models.BooleanField(default=False)
    create_users = models.BooleanField(
        default=True, help_text="Make an account for whoever is new."
    )
    link_by_email = models.BooleanField(
        default=False,
        help_text="Let in as an existing account whose e-mail address the provider has verified.",
    )
    username_claim = models.CharField(max_length=100, default="preferred_username")
    #: see ``apps.accounts.sso.rules``
    rules = models.JSONField(default=list, blank=True)
    rule_needed = models.BooleanField(default=False, help_text="Refuse whoever no rule is for.")
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "single sign-on provider"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title or self.name


class SsoIdentity(models.Model):
    """Somebody at a provider is somebody here."""

    provider = models.ForeignKey(SsoProvider, on_delete=models.CASCADE, related_name="identities")
    #: never a name or an address, which may be given to somebody else
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="sso_identities"
    )
    #: what the rules gave at the last login, so that the next can take it back: slug → role
    granted = models.JSONField(default=dict, blank=True, editable=False)
    granted_superuser = models.BooleanField(default=False, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    last_login = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "single sign-on identity"
        verbose_name_plural = "single sign-on identities"
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="sso_subject_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.provider}"
