"""What somebody who manages applications does, and that it is recorded. Administrators of a
project manage its own, superusers all: the permission matrix has seen to that for an application
that is there; what a request names besides is looked at here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from rest_framework.request import Request

from apps.accounts.actor import Actor
from apps.accounts.asking import actor_of
from apps.accounts.models import Project, User
from apps.accounts.oauth import applications, authorizations
from apps.accounts.oauth.applications import ApplicationInfo
from apps.accounts.oauth.models import Application
from apps.audit.api import record
from xplatform.core.errors import Forbidden, InvalidValue, NotFound


def visible(request: Request) -> list[ApplicationInfo]:
    actor = actor_of(request)
    found = Application.objects.select_related("project", "user").order_by("name", "pk")
    return [applications.info(each) for each in found if actor.sees(_slug(each))]


def create(request: Request, values: dict[str, Any]) -> tuple[str, ApplicationInfo]:
    actor = actor_of(request)
    slug = values.pop("project", None) or actor.project
    project = Project.objects.filter(slug=slug, archived=None).first() if slug else None
    if slug and (project is None or not actor.sees(slug)):
        raise InvalidValue(f"There is no project {slug[:50]!r}.", param="project")
    owner = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if owner is None and values["grant"] == "client_credentials":
        raise InvalidValue(
            "An application that acts for itself has the rights of whoever makes it: that must be"
            " somebody with an account.",
            param="grant",
        )
    with transaction.atomic():
        secret, made = applications.create(owner=owner, project=project, **values)
        _record(actor, "create", made.client_id, slug, after=made)
    return secret, made


def change(request: Request, application: Application, values: dict[str, Any]) -> ApplicationInfo:
    before = applications.info(application)
    with transaction.atomic():
        after = applications.change(application, values)
        _record(actor_of(request), "change", after.client_id, after.project, before, after)
    return after


def new_secret(request: Request, application: Application) -> str:
    with transaction.atomic():
        secret = applications.new_secret(application)
        _record(actor_of(request), "new_secret", application.client_id, _slug(application))
    return secret


def remove(request: Request, application: Application) -> ApplicationInfo:
    if application.client_id == applications.COMMAND_LINE:
        raise InvalidValue(
            "The command line's own application stays; disable it.", param="client_id"
        )
    before = applications.info(application)
    with transaction.atomic():
        applications.remove(application)
        _record(actor_of(request), "remove", before.client_id, before.project, before)
    return before


def person(request: Request) -> int:
    """Whoever asks, if it is somebody with an account."""
    actor = actor_of(request)
    if actor.user_id is None:
        raise Forbidden("Only somebody with an account has allowed anything.")
    return actor.user_id


def revoke_own(request: Request, client_id: str) -> int:
    user_id = person(request)
    with transaction.atomic():
        count = authorizations.revoke(user_id, client_id)
        if count:
            _record(actor_of(request), "revoke_authorization", client_id, None)
    if not count:
        raise NotFound(f"No application {client_id[:50]!r} may act for you.", param="client_id")
    return count


def _slug(application: Application) -> str:
    """ "": of no project, so that only superusers who named none see it."""
    return application.project.slug if application.project else ""


def _record(
    actor: Actor,
    done: str,
    client_id: str,
    project: str | None,
    before: ApplicationInfo | None = None,
    after: ApplicationInfo | None = None,
) -> None:
    record(
        actor,
        f"applications.{done}",
        "application",
        client_id,
        project=project or "",
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
    )
