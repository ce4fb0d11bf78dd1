"""What was changed or tried, as rows that nobody changes: see DESIGN.md.

``apps.audit.record`` makes entries, ``apps.audit.chain`` seals them once, ``apps.audit.retention``
removes old ones and leaves a signed ``Pruned``. Everything else is refused here and, should
somebody go around this file, by triggers of the database (``guards.py``).
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone


class AppendOnly(Exception):
    """The record of changes is not changed."""

    def __init__(self) -> None:
        super().__init__(
            "Rows of the audit are written once: they are not changed, and old ones are removed by"
            " `manage.py audit prune` alone."
        )


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    update = delete = bulk_update = _refuse
    update_or_create = get_or_create = _refuse


class AppendOnlyModel(models.Model):
    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class Entry(AppendOnlyModel):
    """One change, or one attempt at it. Only strings: what it tells of may be gone."""

    class Outcome(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    #: makes each entry the only one of its kind: one that was copied is found
    uid = models.UUIDField(unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    who = models.CharField(max_length=150, help_text="Name of a person, or of a part of the server")
    user = models.BigIntegerField(null=True, blank=True, help_text="The person's number, if any")
    key = models.CharField(max_length=64, blank=True, help_text="Id of the key that was used")
    address = models.CharField(max_length=64, blank=True, help_text="Where it came from")
    action = models.CharField(max_length=64)
    thing = models.CharField(max_length=64, help_text="What kind of thing: launch, key, node …")
    thing_id = models.CharField(max_length=200, blank=True)
    project = models.CharField(max_length=50, blank=True)
    #: JSON as text, not as JSON: PostgreSQL would write numbers in a form of its own, and the
    #: hash is over what is stored. Empty: there is none.
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.DONE)
    why = models.TextField(blank=True)
    request = models.CharField(max_length=128, blank=True, help_text="Id of the HTTP request")
    via = models.CharField(max_length=200, blank=True, help_text="Method and path, or command")
    #: refused attempts of one kind and address are counted, a row a minute
    count = models.PositiveIntegerField(default=1)
    #: which secret of this installation signed it, and the signature over all of the above
    signed_by = models.CharField(max_length=8, editable=False)
    signature = models.CharField(max_length=64, editable=False)
    #: its place in the chain and the hash over its signature and the hash before: given once, by
    #: the sealer, within seconds
    seq = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    link = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="audit_by_project"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["who", "-id"], name="audit_by_who"),
            models.Index(fields=["thing", "thing_id", "-id"], name="audit_by_thing"),
            models.Index(
                fields=["id"], condition=models.Q(seq__isnull=True), name="audit_not_sealed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.action} {self.thing} {self.thing_id} ({self.outcome})"


class Pruned(AppendOnlyModel):
    """Everything up to this place of the chain was removed because it was old."""

    at = models.DateTimeField(default=timezone.now)
    up_to = models.BigIntegerField(unique=True)
    #: of the last entry that was removed: the chain goes on from it
    link = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    who = models.CharField(max_length=150)
    signed_by = models.CharField(max_length=8, editable=False)
    signature = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name_plural = "pruned"
        ordering = ["-up_to"]

    def __str__(self) -> str:
        return f"up to {self.up_to}, by {self.who}"


class Head(models.Model):
    """The end of the chain: one row, which is also the lock of the sealer.

    Kept apart from the entries so that one who cuts off the end of the chain has to change this,
    too; who does is found by the heads that were written to a file (``heads.py``)."""

    seq = models.BigIntegerField(default=0)
    link = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "end of the chain"
        verbose_name_plural = "end of the chain"

    def __str__(self) -> str:
        return f"{self.seq} {self.link[:12]}"
