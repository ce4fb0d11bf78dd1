"""Launch, terminate, cancel, launch again, wake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.models import transitions
from apps.models.actions.built_in import BUILT_IN
from apps.models.checks import check_order, check_said
from apps.models.control import keeper
from apps.models.control.placement import Refusal, size
from apps.models.control.reconcile import GIVE_UP_AFTER, TRY_AGAIN_AFTER
from apps.models.models import Launch, Model, Registration
from apps.models.orders import LaunchOrder
from apps.models.pictures import LaunchInfo, launch_info
from apps.models.resolve import resolve
from apps.models.states import ReplicaState
from apps.models.would_fit import would_fit
from xplatform.core.config import settings
from xplatform.core.errors import Conflict, DoesNotFit, NotFound, PlatformError

SOMEBODY = "somebody"


def launch(order: LaunchOrder) -> LaunchInfo:
    """Run a model under a name. It is on its way when this returns, not yet ready; the name of a
    built-in or registered model alone starts that.

    Raises InvalidValue or MissingField for a field, Conflict when the name is taken.
    """
    who = order.requested_by or SOMEBODY
    if _names_only(order):
        wake(order.uid, who)
        return launch_info(order.uid)
    check_said(order)
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
    return launch_info(order.uid)


def _with_what_would_fit(error: DoesNotFit, order: LaunchOrder) -> DoesNotFit:
    instead = would_fit(order)
    if not instead:
        return error
    message = f"{error.message} What would fit: {', or '.join(instead)}."
    return DoesNotFit(message, param=error.param, data={**(error.data or {}), "fits": instead})


def _names_only(order: LaunchOrder) -> bool:
    """Is it only the name of something that is known?"""
    if order.engine or order.model_path or order.source or order.family:
        return False
    return Model.objects.filter(uid=order.uid).exclude(origin=Model.Origin.LAUNCH).exists()


def _do_launch(order: LaunchOrder, who: str) -> None:
    with transitions.locked(model__uid=order.uid) as found:
        if found is None:
            model = Model.objects.create(uid=order.uid, **model_values(order))
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
            target.model.save()
        run(target, who, f"launched by {who}")
        refuse_if_it_does_not_fit(target, keeper.keep_locked(target))


def refuse_if_it_does_not_fit(target: Launch, refusal: Refusal | None) -> None:
    """When people ask for it they should know at once; later it would wait. Raises DoesNotFit,
    which undoes all of the caller's transaction."""
    if refusal is None or refusal.being_made or refusal.nobody:
        return
    estimate = target.model.estimate
    total = int(estimate.get("device") or 0) + int(estimate.get("host") or 0)
    takes = f" One replica is expected to take {size(total)}." if total else ""
    raise DoesNotFit(
        f"{refusal.text}{takes} {_cure(refusal)}",
        param="placement",
        data={"estimate": estimate, "nodes": dict(refusal.reasons)},
    )


def _cure(refusal: Refusal) -> str:
    """Memory can be done without; a node that is closed or was not asked for stays so."""
    if refusal.short:
        return f"{DoesNotFit.cure} `launch_anyway` starts it all the same."
    return "Change `placement`, let a node take replicas again (uncordon), or add a machine."


def terminate(uid: str, by: str = "") -> LaunchInfo:
    """Let running requests finish, then end all replicas. A model that was launched by hand is
    gone with it; others start again when they are called. Terminating twice is no error."""
    with locked(uid) as target:
        if target.desired == Launch.Desired.RUNNING:
            stop(target, by or SOMEBODY)
    return launch_info(uid)


def cancel(uid: str, by: str = "") -> LaunchInfo:
    """End a launch that is still on its way. Raises Conflict when it is ready already."""
    with locked(uid) as target:
        if target.desired == Launch.Desired.RUNNING:
            if target.replicas.filter(state=ReplicaState.READY).exists():
                raise Conflict(
                    f"{uid!r} is ready already; terminate it, if it is to end.", param="uid"
                )
            stop(target, by or SOMEBODY, "cancelled")
    return launch_info(uid)


def stop(target: Launch, who: str, why: str = "") -> None:
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


def relaunch(uid: str, by: str = "", changes: LaunchOrder | None = None) -> LaunchInfo:
    """Start a known launch with new replicas, with another order if one is given; what runs of it
    drains."""
    who = by or SOMEBODY
    if changes is not None:
        changes = complete(msgspec.structs.replace(changes, uid=uid))
        check_order(changes)
    elif not prepared(uid):
        return launch_info(uid)
    with locked(uid) as target:
        if target.model.removing:
            raise being_removed(uid)
        if changes is not None:
            if target.model.origin == Model.Origin.BUILT_IN:
                raise Conflict(f"{uid!r} is built in and cannot be changed.", param="uid")
            _rewrite(target, changes)
        keeper.stop_all(target, f"relaunched by {who}")
        run(target, who, f"relaunched by {who}", wanted=_as_many(target))
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
            run(target, by, "called", wanted=max(1, target.min_replicas))
        elif target.failed_at is not None:
            if timezone.now() - target.failed_at < timedelta(seconds=TRY_AGAIN_AFTER):
                return
            transitions.set_launch(
                target,
                by,
                "running",
                "called again after it was given up",
                wanted=max(1, target.wanted, target.min_replicas),
                failed_at=None,
                retry_at=None,
                # one more failure gives up again
                failures=GIVE_UP_AFTER - 1,
            )
        elif target.wanted == 0:
            number = max(1, target.min_replicas)
            values = {"wanted": number, "pushed_out": None, "last_called": timezone.now()}
            transitions.set_launch(target, by, "running", "called", **values)
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
    known = Registration.objects.filter(kind=model.kind, name=model.family, current=True).first()
    if known is None or (model.engine and model.family_version == known.version):
        return True
    launch = Launch.objects.get(model=model)
    now = timezone.now()
    if launch.failed_at and now - launch.failed_at < timedelta(seconds=TRY_AGAIN_AFTER):
        return False
    order = LaunchOrder(
        uid=uid,
        kind=model.kind,
        family=model.family,
        family_version=known.version,
        min_replicas=launch.min_replicas,
        max_replicas=launch.max_replicas,
        idle_seconds=launch.idle_seconds,
        requested_by=known.owner,
    )
    try:
        order = complete(order)
        check_order(order)
    except PlatformError as error:
        with locked(uid) as target:
            transitions.give_up(target, error.message)
        return False
    with locked(uid) as target:
        _rewrite(target, msgspec.structs.replace(order, family_version=known.version))
        # What failed before was another version, or a machine that was not there.
        transitions.set_launch(target, "control", target.desired, "prepared", failed_at=None)
    return True


def run(target: Launch, who: str, why: str, wanted: int | None = None) -> None:
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
def locked(uid: str) -> Iterator[Launch]:
    """``transitions.locked`` for a launch that has to be there. Raises NotFound."""
    with transitions.locked(model__uid=uid) as target:
        if target is None:
            raise NotFound(f"There is no launch {uid[:100]!r}.", param="uid")
        yield target


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
    return Conflict(
        f"There is a launch {uid!r} already; terminate it, or choose another uid.", param="uid"
    )
