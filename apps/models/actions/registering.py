"""Register, edit and remove families of one's own."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.models import permitted, transitions
from apps.models.actions import audited, launching
from apps.models.actions.built_in import IDLE_SECONDS
from apps.models.checks import is_uid
from apps.models.models import DEFAULT_PROJECT, Launch, Model, Registration
from apps.models.nodes.paths import check_paths
from apps.models.registrations import (
    Given,
    RegistrationInfo,
    check_family,
    current,
    own,
    picture,
    taken,
    write,
)
from xplatform.engines.reason import Reason


def register(
    family: Given,
    by: str = "",
    shared: bool = False,
    *,
    project: str = "",
    unsafe: bool = False,
) -> RegistrationInfo:
    """Add a family to a project, or for all projects to use. Raises Conflict when the name is
    taken, InvalidValue naming the field, Forbidden for what takes more than the right to register
    (``permitted``)."""
    family = check_family(family)
    permitted.check_family(family, unsafe)
    check_paths(family)
    try:
        with transaction.atomic():
            if current(family.kind, family.name).exists():
                raise taken(family)
            row = write(family, project or DEFAULT_PROJECT, by, shared)
            _make_callable(row)
            audited.note_registration(row, by, "create", after=row.family)
            return picture(row)
    except IntegrityError:
        raise taken(family) from None


def edit(
    family: Given,
    by: str = "",
    shared: bool | None = None,
    *,
    within: str | None = None,
    unsafe: bool = False,
) -> RegistrationInfo:
    """A new version of one of a project, which ``within`` names; None: of any."""
    family = check_family(family)
    permitted.check_family(family, unsafe)
    check_paths(family)
    with transaction.atomic():
        old = own(family.kind, family.name, within)
        old.current = False
        old.save(update_fields=["current"])
        row = write(family, old.project, by, old.shared if shared is None else shared)
        _make_callable(row)
        audited.note_registration(row, by, "edit", before=old.family, after=row.family)
        return picture(row)


def unregister(kind: str, name: str, by: str = "", within: str | None = None) -> None:
    """Nobody can launch it any more. What was started by a call of its name ends, what was launched
    from it runs on. Its number of versions is kept, so that one of the same name is a new
    version."""
    with transaction.atomic():
        old = own(kind, name, within)
        old.current = False
        old.save(update_fields=["current"])
        audited.note_registration(old, by, "remove", before={"version": old.version})
    with transitions.locked(model__uid=name, model__origin=Model.Origin.REGISTERED) as launch:
        if launch is not None and (launch.model.kind, launch.model.project) == (kind, old.project):
            Model.objects.filter(pk=launch.model.pk).update(removing=True)
            launching.stop(
                launch,
                by or launching.SOMEBODY,
                Reason("registration_removed", "its registration was removed"),
            )


def _make_callable(row: Registration) -> None:
    """By its own name, if that is free, for those who see it."""
    if not is_uid(row.name):
        return
    model, made = Model.objects.get_or_create(
        uid=row.name,
        defaults={
            "kind": row.kind,
            "origin": Model.Origin.REGISTERED,
            "project": row.project,
            "shared": row.shared,
            "family": row.name,
            "engine": "",
        },
    )
    if made:
        Launch.objects.create(
            model=model, min_replicas=0, max_replicas=1, idle_seconds=IDLE_SECONDS
        )
    elif model.origin == Model.Origin.REGISTERED and model.project == row.project:
        Model.objects.filter(pk=model.pk).update(shared=row.shared)
    else:
        return
    transitions.models_changed()
