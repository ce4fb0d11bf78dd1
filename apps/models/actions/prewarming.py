"""Models that start with the server and do not wait for a call."""

from __future__ import annotations

from apps.models import transitions
from apps.models.actions import audited
from apps.models.actions.launching import SOMEBODY, locked
from apps.models.control import keeper
from apps.models.models import Launch
from apps.models.pictures import LaunchInfo, launch_info
from xplatform.engines.reason import Reason

_STARTS = Reason("prewarmed", "starts with the server")
_STARTS_NO_MORE = Reason("prewarmed_no_more", "no longer starts with the server")


def set_prewarm(uid: str, prewarm: bool, by: str = "", within: str | None = None) -> LaunchInfo:
    """From now on; one that waits for its first call starts at once. Raises NotFound."""
    with locked(uid, within) as launch:
        if launch.prewarm != prewarm:
            why = _STARTS if prewarm else _STARTS_NO_MORE
            idle = launch.desired == Launch.Desired.RUNNING and launch.wanted == 0
            wanted = 1 if prewarm and idle else launch.wanted
            transitions.set_launch(
                launch, by or SOMEBODY, launch.desired, why, prewarm=prewarm, wanted=wanted
            )
            before, after = {"prewarm": not prewarm}, {"prewarm": prewarm}
            audited.note(launch, by, "prewarm", before=before, after=after)
            keeper.keep_locked(launch)
    return launch_info(uid)
