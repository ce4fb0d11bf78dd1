"""Who sees which requests, and who may end them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apps.accounts.api import Actor
from apps.audit import api as audit
from apps.inference import messages
from apps.inference.messages import Census, InFlight
from apps.models import api as models
from xplatform.core.channels import call_webs
from xplatform.core.errors import Forbidden, NotFound

#: to end what somebody else has sent
OTHERS = "launches.write"
#: to see whose it is
NAMES = "usage.read"

_BY_OTHERS = "The request was cancelled by somebody who manages the model."


@dataclass(frozen=True, slots=True)
class Asker:
    actor: Actor
    #: as ``Exchange.sender`` has it
    sender: str
    #: a person, and no program: all that they have sent is theirs, whatever key it came by
    person: bool

    def owns(self, one: InFlight) -> bool:
        if self.person and self.actor.user_id is not None:
            return one.user_id == self.actor.user_id
        return bool(self.sender) and one.sender == self.sender


@dataclass(frozen=True, slots=True)
class Shown:
    id: str
    request_id: str
    kind: str
    stream: bool
    state: str
    since: float
    tokens: int
    own: bool
    may_cancel: bool
    #: empty: not for everybody's eyes
    project: str = ""
    key: str = ""
    user: str = ""


def in_flight(uid: str, asker: Asker) -> list[Shown]:
    """Those that were sent first come first. Raises NotFound and BrokerUnavailable."""
    launch = models.launch_info(uid, asker.actor.project or None)
    return [_shown(one, launch, asker) for one in _seen(launch, asker)]


def cancel(uid: str, rid: str, asker: Asker) -> None:
    """Raises NotFound also for one that has ended, Forbidden, BrokerUnavailable."""
    launch = models.launch_info(uid, asker.actor.project or None)
    # By its id: the list of all that runs may end before it.
    found = next((one for one in _seen(launch, asker, only=rid) if one.id == rid), None)
    if found is None:
        raise _gone(rid)
    own = asker.owns(found)
    if not _may_end(found, launch, asker):
        raise Forbidden.lacking(OTHERS)
    why = "The request was cancelled." if own else _BY_OTHERS
    if not _call(uid, end=rid, why=why):
        raise _gone(rid)
    after = {"model": uid, "request": found.request_id, "of": found.user}
    audit.record(asker.actor, "request.cancel", "request", rid, found.project, after=after)


def _gone(rid: str) -> NotFound:
    return NotFound(f"No request {rid[:100]!r} of this model waits or runs.", param="rid")


def _seen(launch: models.LaunchInfo, asker: Asker, *, only: str = "") -> list[InFlight]:
    """Of a shared model its own project sees all, and another one what it has sent itself."""
    project = asker.actor.project
    found = _call(launch.uid, only=only)
    return [one for one in found if project in ("", launch.project, one.project)]


def _may_end(one: InFlight, launch: models.LaunchInfo, asker: Asker) -> bool:
    return asker.owns(one) or (asker.actor.may(OTHERS) and asker.actor.sees(launch.project))


def _shown(one: InFlight, launch: models.LaunchInfo, asker: Asker) -> Shown:
    own = asker.owns(one)
    shown = Shown(
        one.id, one.request_id, one.kind, one.stream, one.state, one.since, one.tokens,
        own, _may_end(one, launch, asker),
    )  # fmt: skip
    if own or (asker.actor.may(NAMES) and asker.actor.sees(one.project)):
        return replace(shown, project=one.project, key=one.key, user=one.user)
    # What a caller calls its requests is the caller's.
    return replace(shown, request_id="")


def _call(uid: str, *, end: str = "", why: str = "", only: str = "") -> list[InFlight]:
    answers = call_webs("census", lambda key: messages.encode(Census(key, uid, end, why, only)))
    found = [one for data in answers for one in messages.decode_in_flight(data)]
    return sorted(found, key=lambda one: one.since)
