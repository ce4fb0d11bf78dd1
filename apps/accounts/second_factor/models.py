from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts.fields import SealedText


class Authenticator(models.Model):
    """The secret that an authenticator app makes its codes from (RFC 6238)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="authenticator"
    )
    secret = SealedText(editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    #: when the first code was typed; until then nothing is asked for
    confirmed = models.DateTimeField(null=True, editable=False)
    #: the last half minute whose code was used: none is good twice
    last_step = models.BigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"authenticator of user {self.user_id}"


class RecoveryCode(models.Model):
    """One of ten, good once. Only a keyed digest is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    used = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"recovery code {self.pk} of user {self.user_id}"


class Passkey(models.Model):
    """A public key whose private half is in somebody's device (WebAuthn)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys"
    )
    name = models.CharField(max_length=100)
    #: WebAuthn's credential id, chosen by the device
    credential_id = models.BinaryField(max_length=1024, unique=True, editable=False)
    #: attested credential data, as the device sent it: id and public key
    credential = models.BinaryField(max_length=4096, editable=False)
    #: host name under which it was made, and under which alone it opens the door
    host = models.CharField(max_length=253, editable=False)
    #: the device's own count of uses, 0 where it keeps none; a step back means a copy
    uses = models.BigIntegerField(default=0, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    last_used = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["created"]

    def __str__(self) -> str:
        return self.name


class SpentChallenge(models.Model):
    """A question that a passkey has answered: the answer is good once."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires = models.DateTimeField(db_index=True, editable=False)

    def __str__(self) -> str:
        return f"challenge {self.pk}"
