"""Launches that other projects may use."""

from __future__ import annotations

from apps.models import transitions
from apps.models.actions import audited
from apps.models.actions.launching import SOMEBODY, locked
from apps.models.models import Model
from apps.models.pictures import LaunchInfo, launch_info


def share(uid: str, shared: bool, by: str = "", within: str | None = None) -> LaunchInfo:
    """Whether other projects see it and call it."""
    with locked(uid, within) as launch:
        if launch.model.shared != shared:
            launch.model.shared = shared
            Model.objects.filter(pk=launch.model.pk).update(shared=shared)
            after = "shared" if shared else "not shared"
            transitions.record(by or SOMEBODY, launch.model, "launch", "", after)
            before, now = {"shared": not shared}, {"shared": shared}
            audited.note(launch, by, "share", before=before, after=now)
            transitions.models_changed()
    return launch_info(uid)
