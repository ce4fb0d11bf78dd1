from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AbstractUser, Group
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.matrix.actions import ROLES
from apps.accounts.models.signing_in import SignsIn

#: the project of all that was made before there were projects, and of superusers who name none
DEFAULT_PROJECT: Final = "default"
SLUG: Final = r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?"


class User(SignsIn, AbstractUser):
    """Our own from the first migration on, so that later issues can add to it."""

    class Meta(AbstractUser.Meta):
        db_table = "accounts_user"


class Project(models.Model):
    """A tenant: models, keys, limits and usage belong to one. It is archived, never deleted, since
    the audit and what was used speak of it."""

    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(rf"\A{SLUG}\Z", "Lower-case letters, digits and hyphens.")],
        help_text="Its name in paths and headers; it never changes.",
    )
    title = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    archived = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.title or self.slug


class Membership(models.Model):
    """A user, or all users of a group, have a role in a project. The highest of several counts."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="memberships"
    )
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=[(role, role) for role in ROLES])
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["project__slug", "user__username", "group__name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                name="accounts_membership_one",
                violation_error_message="A member is a user or a group.",
            ),
            models.UniqueConstraint(fields=["project", "user"], name="accounts_membership_user"),
            models.UniqueConstraint(fields=["project", "group"], name="accounts_membership_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.role} in {self.project}"
