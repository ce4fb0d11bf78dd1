"""Addresses that are told of events, and how far each has been told."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.accounts.fields import SealedText


class Webhook(models.Model):
    """Its events come in their order, so one number says all that it has been told."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    #: slug; empty: of all projects, and of nodes
    project = models.CharField(max_length=50, blank=True, db_index=True)
    url = models.CharField(max_length=2000)
    #: signs what is sent
    secret = SealedText()
    #: which events: ``launch.failed``, ``node.*``; empty: all
    kinds: models.JSONField[list[str]] = models.JSONField(default=list, blank=True)
    active = models.BooleanField(default=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    changed = models.DateTimeField(default=timezone.now, editable=False)
    #: id of the last event that was delivered, given up, or of no interest
    cursor = models.BigIntegerField(default=0, editable=False)
    #: of the event behind it
    attempts = models.PositiveIntegerField(default=0, editable=False)
    #: not before this time
    next_at = models.DateTimeField(null=True, editable=False)
    # How it went last, tests included.
    last_at = models.DateTimeField(null=True, editable=False)
    last_id = models.CharField(max_length=64, blank=True, editable=False)
    last_status = models.PositiveIntegerField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    delivered_at = models.DateTimeField(null=True, editable=False)
    delivered = models.PositiveBigIntegerField(default=0, editable=False)
    given_up = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
