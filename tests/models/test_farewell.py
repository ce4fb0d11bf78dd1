"""What a deleted user and an archived project leave behind in this app: nothing."""

from __future__ import annotations

from apps.accounts.actions import projects, users
from apps.models import api
from apps.models.actions.launching import terminate
from apps.models.keepsakes import Kind, keep, kept
from apps.models.models import Launch
from tests.models.world import World, an_order
from tests.support.people import person


def test_what_somebody_kept_goes_with_them(world: World) -> None:
    person("ada")
    for owner in ("ada", "bob"):
        keep(owner, Kind.FAVORITE, "qwen3")
    users.delete_user("ada")
    assert kept("ada", Kind.FAVORITE) == []
    assert len(kept("bob", Kind.FAVORITE)) == 1


def test_an_archived_project_runs_nothing(world: World) -> None:
    person("ada", "owner", "lab")
    for uid, project in (("a", "lab"), ("b", "lab"), ("c", "default")):
        api.launch(an_order(uid, project=project))
    terminate("b")
    projects.archive_project("lab")
    running = Launch.objects.filter(desired=Launch.Desired.RUNNING)
    assert [launch.model.uid for launch in running] == ["c"]
