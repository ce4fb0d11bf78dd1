"""Launch, terminate, cancel, launch again, wake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.models import permitted, transitions
from apps.models.actions import audited
from apps.models.actions.built_in import BUILT_IN
from apps.models.checks import check_order, check_said
from apps.models.control import keeper
from apps.models.control.placement import Refusal, size
from apps.models.control.reconcile import GIVE_UP_AFTER, TRY_AGAIN_AFTER
from apps.models.models import DEFAULT_PROJECT, Launch, Model, Registration
from apps.models.orders import LaunchOrder
from apps.models.pictures import LaunchInfo, launch_info, seen_by
from apps.models.resolve import resolve
from apps.models.states import LIVE, ReplicaState
from apps.models.would_fit import would_fit
from xplatform.core.config import settings
from xplatform.core.errors import Conflict, DoesNotFit, Forbidden, NotFound, PlatformError
from xplatform.engines.reason import Reason, Said

SOMEBODY = "somebody"
CALLED = Reason("was_called", "called")


def launch(order: LaunchOrder) -> LaunchInfo:
    """Run a model under a name. It is on its way when this returns, not yet ready; the name of a
    built-in or registered model alone starts that.

    Raises InvalidValue or MissingField for a field, Conflict when the name is taken, Forbidden for
    what takes more than the right to launch (``permitted``).
    """
    who = order.requested_by or SOMEBODY
    if _names_only(order):
        wake(order.uid, who)
        # Not in one transaction: nodes and hubs may have been asked.
        audited.note(Launch.objects.select_related("model").get(model__uid=order.uid), who, "start")
        return launch_info(order.uid, order.project or None)
    permitted.check_order(order)
    check_said(order)
    _refuse_foreign(order)
    order = complete(order)
    check_order(order)
    if order.uid in BUILT_IN:
        raise Conflict(
            f"{order.uid!r} is the name of a built-in model; choose another.", param="uid"
        )
    try:
        with transaction.atomic():
            _do_launch(order, who)
    except IntegrityError:
        raise _taken(order.uid) from None
    except DoesNotFit as error:
        raise _with_what_would_fit(error, order) from None
    return launch_info(order.uid, order.project or None)


def _refuse_foreign(order: LaunchOrder) -> None:
    """Before nodes and hubs are asked. Names are the same for all projects; whose this one is is
    not told."""
    others = Model.objects.filter(uid=order.uid)
    if order.project and others.exclude(project=order.project).filter(_HAS_THE_NAME).exists():
        raise _taken(order.uid)


def _with_what_would_fit(error: DoesNotFit, order: LaunchOrder) -> DoesNotFit:
    instead = would_fit(order)
    if not instead:
        return error
    text = f"{error.message} What would fit: {', or '.join(map(str, instead))}."
    message = Reason(
        "fits_instead", text, why=error.reason or error.message, instead=tuple(instead)
    )
    return DoesNotFit(
        message,
        param=error.param,
        data={**(error.data or {}), "fits": [str(one) for one in instead]},
    )


def _names_only(order: LaunchOrder) -> bool:
    """Is it only the name of something that is known?"""
    if order.engine or order.model_path or order.source or order.family:
        return False
    known = Model.objects.filter(seen_by(order.project or None, ""), uid=order.uid)
    return known.exclude(origin=Model.Origin.LAUNCH).exists()


def _do_launch(order: LaunchOrder, who: str) -> None:
    project = order.project or DEFAULT_PROJECT
    with transitions.locked(model__uid=order.uid) as found:
        foreign = found is not None and found.model.project != project
        if found is not None and foreign:
            _clear(found)
        if found is None or foreign:
            values = {**model_values(order), "project": project, "shared": order.shared}
            model = Model.objects.create(uid=order.uid, **values)
            target = Launch.objects.create(model=model, **launch_values(order))
        elif found.model.removing:
            raise being_removed(order.uid)
        elif found.desired == Launch.Desired.RUNNING and found.failed_at is None:
            raise _taken(order.uid)
        else:
            # Terminated, or given up: what is left of it drains under its old epochs.
            target = found
            _rewrite(target, order)
            target.model.created = timezone.now()
            target.model.shared = order.shared
            target.model.save()
        run(target, who, Reason("launched_by", f"launched by {who}", who=who))
        audited.note(target, who, "start", after=audited.asked_for(target))
        refuse_if_it_does_not_fit(target, keeper.keep_locked(target))


def _clear(left: Launch) -> None:
    """The name for another project: nothing of what is left may be seen by it. Raises Conflict."""
    running = left.replicas.filter(state__in=LIVE).exists()
    if running or left.model.removing or left.desired == Launch.Desired.RUNNING:
        raise _taken(left.model.uid)
    if left.model.origin != Model.Origin.LAUNCH:
        raise _taken(left.model.uid)
    left.model.delete()


def refuse_if_it_does_not_fit(target: Launch, refusal: Refusal | None) -> None:
    """When people ask for it they should know at once; later it would wait. Raises DoesNotFit,
    which undoes all of the caller's transaction."""
    if refusal is None or refusal.being_made or refusal.nobody:
        return
    estimate = target.model.estimate
    total = int(estimate.get("device") or 0) + int(estimate.get("host") or 0)
    takes = f" One replica is expected to take {size(total)}." if total else ""
    text = f"{refusal.reason}{takes} {_cure(refusal)}"
    why = refusal.reason
    raise DoesNotFit(
        Reason("no_room", text, why=why) if refusal.short else Reason("no_place", text, why=why),
        param="placement",
        data={"estimate": estimate, "nodes": {n: str(w) for n, w in refusal.reasons.items()}},
    )


def _cure(refusal: Refusal) -> str:
    """Memory can be done without; a node that is closed or was not asked for stays so."""
    if refusal.short:
        return f"{DoesNotFit.cure} `launch_anyway` starts it all the same."
    return "Change `placement`, let a node take replicas again (uncordon), or add a machine."


def terminate(uid: str, by: str = "", within: str | None = None) -> LaunchInfo:
    """Let running requests finish, then end all replicas. A model that was launched by hand is
    gone with it; others start again when they are called. Terminating twice is no error."""
    with locked(uid, within) as target:
        if target.desired == Launch.Desired.RUNNING:
            stop(target, by or SOMEBODY)
            audited.note(target, by, "terminate")
    return launch_info(uid)


def cancel(uid: str, by: str = "", within: str | None = None) -> LaunchInfo:
    """End a launch that is still on its way. Raises Conflict when it is ready already."""
    with locked(uid, within) as target:
        if target.desired == Launch.Desired.RUNNING:
            if target.replicas.filter(state=ReplicaState.READY).exists():
                raise Conflict(
                    f"{uid!r} is ready already; terminate it, if it is to end.", param="uid"
                )
            stop(target, by or SOMEBODY, Reason("was_cancelled", "cancelled"))
            audited.note(target, by, "cancel")
    return launch_info(uid)


def stop(target: Launch, who: str, why: Said = "") -> None:
    """For a caller that holds the lock."""
    transitions.set_launch(
        target,
        who,
        "stopped",
        why,
        desired=Launch.Desired.STOPPED,
        failures=0,
        retry_at=None,
        failed_at=None,
        reason="",
    )
    keeper.keep_locked(target)


def relaunch(
    uid: str, by: str = "", changes: LaunchOrder | None = None, within: str | None = None
) -> LaunchInfo:
    """Start a known launch with new replicas, with another order if one is given; what runs of it
    drains. It stays in its project, and shared or not as it is."""
    who = by or SOMEBODY
    before = known(uid, within)
    if changes is not None:
        changes = msgspec.structs.replace(changes, uid=uid, project=before.project)
        permitted.check_order(changes, before)
        check_said(changes)
        changes = complete(changes)
        check_order(changes)
    elif not prepared(uid):
        return launch_info(uid)
    with locked(uid, within) as target:
        if target.model.removing:
            raise being_removed(uid)
        was = audited.asked_for(target)
        if changes is not None:
            if target.model.origin == Model.Origin.BUILT_IN:
                raise Conflict(f"{uid!r} is built in and cannot be changed.", param="uid")
            if _given(target.model) != _given(before):
                raise Conflict(f"{uid!r} has been changed meanwhile; look again.", param="uid")
            _rewrite(target, changes)
        why = Reason("relaunched_by", f"relaunched by {who}", who=who)
        keeper.stop_all(target, why)
        run(target, who, why, wanted=_as_many(target))
        audited.note(target, who, "relaunch", before=was, after=audited.asked_for(target))
        refusal = keeper.keep_locked(target)
        if changes is not None:
            refuse_if_it_does_not_fit(target, refusal)
    return launch_info(uid)


def wake(uid: str, by: str = "a request") -> None:
    """Somebody waits for this model. Starts one that starts on call, tries one more time what was
    given up (not more often than every ten seconds), and does nothing in all other cases."""
    if not prepared(uid):
        return
    with transitions.locked(model__uid=uid) as target:
        if target is None or target.model.removing:
            return
        if target.desired == Launch.Desired.STOPPED:
            if not target.model.starts_on_call:
                return
            run(target, by, CALLED, wanted=max(1, target.min_replicas))
        elif target.failed_at is not None:
            if timezone.now() - target.failed_at < timedelta(seconds=TRY_AGAIN_AFTER):
                return
            transitions.set_launch(
                target,
                by,
                "running",
                Reason("called_again", "called again after it was given up"),
                wanted=max(1, target.wanted, target.min_replicas),
                failed_at=None,
                retry_at=None,
                # one more failure gives up again
                failures=GIVE_UP_AFTER - 1,
            )
        elif target.wanted == 0:
            number = max(1, target.min_replicas)
            values = {"wanted": number, "pushed_out": None, "last_called": timezone.now()}
            transitions.set_launch(target, by, "running", CALLED, **values)
        keeper.keep_locked(target)


def complete(order: LaunchOrder) -> LaunchOrder:
    """With all that was left out. Not under a lock: nodes and hubs may be asked."""
    return resolve(order)


def prepared(uid: str) -> bool:
    """Find out how to run a registration that is called by its own name, the first time and after
    it was edited. False: it cannot be run; its launch says why."""
    model = Model.objects.filter(uid=uid, origin=Model.Origin.REGISTERED, removing=False).first()
    if model is None or not model.family:
        return True
    families = Registration.objects.filter(seen_by(model.project, ""), current=True)
    family = families.filter(kind=model.kind, name=model.family).first()
    if family is None or (model.engine and model.family_version == family.version):
        return True
    launch = Launch.objects.get(model=model)
    now = timezone.now()
    if launch.failed_at and now - launch.failed_at < timedelta(seconds=TRY_AGAIN_AFTER):
        return False
    order = LaunchOrder(
        uid=uid,
        kind=model.kind,
        family=model.family,
        family_version=family.version,
        min_replicas=launch.min_replicas,
        max_replicas=launch.max_replicas,
        idle_seconds=launch.idle_seconds,
        requested_by=family.owner,
        project=family.project,
    )
    try:
        order = complete(order)
        check_order(order)
    except PlatformError as error:
        with locked(uid) as target:
            transitions.give_up(target, error.reason or error.message)
        return False
    with locked(uid) as target:
        _rewrite(target, msgspec.structs.replace(order, family_version=family.version))
        # What failed before was another version, or a machine that was not there.
        why = Reason("prepared", "prepared")
        transitions.set_launch(target, "control", target.desired, why, failed_at=None)
    return True


def run(target: Launch, who: str, why: Said, wanted: int | None = None) -> None:
    """From now on it is to run. For a caller that holds the lock."""
    if wanted is None:
        wanted = max(target.min_replicas, int(target.prewarm))
    transitions.set_launch(
        target,
        who,
        "running",
        why,
        desired=Launch.Desired.RUNNING,
        wanted=wanted,
        failures=0,
        was_ready=False,
        retry_at=None,
        failed_at=None,
        reason="",
        pushed_out=None,
        scaled_at=None,
        busy_at=None,
        requested_by=who,
        last_called=timezone.now(),
    )


def _as_many(target: Launch) -> int:
    """As ran before, within its bounds: what a call or the load started is wanted still."""
    ran = target.wanted if target.desired == Launch.Desired.RUNNING else 0
    return max(min(ran, target.max_replicas), target.min_replicas, int(target.prewarm))


@contextmanager
def locked(uid: str, within: str | None = None) -> Iterator[Launch]:
    """``transitions.locked`` for a launch that has to be there, and in this project, or with None
    in any. Raises NotFound, and Forbidden for one that another project shares."""
    with transitions.locked(model__uid=uid) as target:
        _check(uid, target.model if target else None, within)
        assert target is not None
        yield target


def known(uid: str, within: str | None = None) -> Model:
    """Without a lock, to look at before the work. Raises what ``locked`` raises."""
    found = Model.objects.filter(uid=uid).first()
    _check(uid, found, within)
    assert found is not None
    return found


def _check(uid: str, found: Model | None, within: str | None) -> None:
    foreign = found is not None and within not in (None, found.project)
    if found is None or (foreign and not found.shared):
        raise NotFound(f"There is no launch {uid[:100]!r}.", param="uid")
    if foreign:
        raise Forbidden(f"{uid!r} is shared by another project, which alone changes it.")


def _given(model: Model) -> tuple[Any, ...]:
    """What ``permitted`` compares a change with."""
    return (model.project, model.engine, model.family, model.model_path, model.source,
            model.environment, model.packages, model.adapters, model.options,
            model.trust_remote_code)  # fmt: skip


#: what keeps its name: it runs, or it starts when it is called
_HAS_THE_NAME = Q(launch__desired=Launch.Desired.RUNNING) | ~Q(origin=Model.Origin.LAUNCH)


def model_values(order: LaunchOrder) -> dict[str, Any]:
    return {
        "kind": order.kind,
        "family": order.family,
        "family_version": order.family_version,
        "size": order.size,
        "format": order.format,
        "quantization": order.quantization,
        "model_path": order.model_path,
        "source": msgspec.to_builtins(order.source) if order.source else {},
        "engine": order.engine,
        "slots": settings().slots if order.slots is None else order.slots,
        "context_length": order.context_length,
        "options": order.options,
        "environment": order.environment,
        "packages": list(order.packages),
        "adapters": [msgspec.to_builtins(adapter) for adapter in order.adapters],
        "trust_remote_code": order.trust_remote_code,
        "estimate": order.estimate,
    }


def launch_values(order: LaunchOrder) -> dict[str, Any]:
    return {
        "min_replicas": order.min_replicas,
        "max_replicas": order.max_replicas,
        "idle_seconds": order.idle_seconds,
        "pinned": order.pinned,
        "prewarm": order.prewarm,
        "placement": msgspec.to_builtins(order.placement),
        "launch_anyway": order.launch_anyway,
    }


def start_prewarmed() -> None:
    """At every start of the server: what is to be there before anybody calls."""
    rows = Launch.objects.filter(prewarm=True, wanted=0, desired=Launch.Desired.RUNNING)
    for uid in list(rows.values_list("model__uid", flat=True)):
        wake(uid, "the start of the server")


def being_removed(uid: str) -> Conflict:
    return Conflict(
        f"{uid!r} is being removed; try again when its last replica has ended.", param="uid"
    )


def _rewrite(target: Launch, order: LaunchOrder) -> None:
    for name, value in {**model_values(order), "info": {}}.items():
        setattr(target.model, name, value)
    target.model.save()
    for name, value in launch_values(order).items():
        setattr(target, name, value)
    target.save()


def _taken(uid: str) -> Conflict:
    """The same words whosever it is."""
    return Conflict(
        f"The name {uid!r} is taken already; choose another uid, or terminate what has it.",
        param="uid",
    )
