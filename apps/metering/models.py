"""Limits, prices, and what was used.

Usage holds names, not foreign keys: who used what stays true when a key or project is gone.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.metering.rules import KINDS, SCOPES


class Limit(models.Model):
    """Made and changed by ``apps.metering.api`` alone, which tells the web processes."""

    kind = models.CharField(max_length=32, choices=[(kind, kind) for kind in KINDS])
    #: requests or tokens; of money billionths
    amount = models.BigIntegerField()
    scope = models.CharField(max_length=16, choices=[(scope, scope) for scope in SCOPES])
    subject = models.CharField(
        max_length=64, blank=True, help_text="Key id, user id or project; * for each one."
    )
    project = models.CharField(
        max_length=50, blank=True, help_text="Only what is done in this project."
    )
    model = models.CharField(max_length=200, default="*", help_text="Names of models, with * and ?")
    note = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["scope", "subject", "model", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "subject", "project", "model", "kind"], name="one_limit_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.scope} {self.subject}".strip()


class Price(models.Model):
    """In billionths of the currency: of a million tokens, and of one request."""

    model = models.CharField(max_length=200, unique=True, help_text="Names of models, with * and ?")
    input = models.BigIntegerField(default=0)
    cached = models.BigIntegerField(default=0)
    output = models.BigIntegerField(default=0)
    request = models.BigIntegerField(default=0)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model"]

    def __str__(self) -> str:
        return self.model


class Usage(models.Model):
    """What one key of one user used of one model in one project, in one hour or, later, one day
    (UTC). Written by ``ledger`` alone."""

    begin = models.DateTimeField()
    #: a whole day in one row, once its hours are old
    daily = models.BooleanField(default=False)
    key = models.CharField(max_length=64)
    user = models.CharField(max_length=64, blank=True)
    project = models.CharField(max_length=50, blank=True)
    model = models.CharField(max_length=200)
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    #: part of the prompt
    cached_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    #: billionths
    cost = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "usage"
        ordering = ["begin"]
        constraints = [
            models.UniqueConstraint(
                fields=["begin", "daily", "key", "user", "project", "model"], name="one_usage_row"
            )
        ]
        indexes = [models.Index(fields=["project", "begin"], name="usage_of_project")]

    def __str__(self) -> str:
        return f"{self.model} by {self.key} from {self.begin}"


class UsageBatch(models.Model):
    """Written together with what the batch holds: a batch that is sent again, since nobody knows
    whether it was written, is not counted again."""

    id = models.UUIDField(primary_key=True)
    written = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.id)
