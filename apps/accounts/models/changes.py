from __future__ import annotations

from django.db import models
from django.db.models import F


class Changes(models.Model):
    """One row: how often anything has changed that credentials follow from. Web processes look at
    it several times a second, and read them again when it is another number."""

    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "changes"

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def count(cls) -> None:
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1).update(number=F("number") + 1)

    @classmethod
    def counted(cls) -> int:
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0
