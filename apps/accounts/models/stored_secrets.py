from __future__ import annotations

from django.db import models

from apps.accounts.fields import SealedText


class StoredSecret(models.Model):
    """A secret that the platform uses towards somebody else, entered once and never shown again.
    ``apps.accounts.actions.stored_secrets`` alone makes and reads rows."""

    name = models.CharField(max_length=50, primary_key=True)
    value = SealedText()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
