"""What goes when a project is archived, or somebody is deleted. Registered with apps.accounts when
a process starts, so nothing is loaded here before it is needed."""

from __future__ import annotations

from apps.accounts.farewells import when_a_project_is_archived, when_a_user_is_deleted
from apps.models.models import Keepsake, Launch


def register() -> None:
    when_a_user_is_deleted(forget)
    when_a_project_is_archived(end_all)


def forget(username: str) -> None:
    """What somebody kept for themselves; whoever is called so later on starts with nothing."""
    Keepsake.objects.filter(owner=username).delete()


def end_all(project: str, by: str) -> None:
    """Nobody could end it any more but superusers."""
    from apps.models.actions.launching import terminate

    running = Launch.objects.filter(model__project=project, desired=Launch.Desired.RUNNING)
    for uid in running.values_list("model__uid", flat=True):
        terminate(uid, by)
