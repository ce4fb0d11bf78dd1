"""Projects and their members."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import farewells
from apps.accounts.actions import groups, users
from apps.accounts.actions.guard import changing_people, check
from apps.accounts.actor import Actor
from apps.accounts.matrix.actions import ROLES, SUPERUSER, rank
from apps.accounts.models import Membership, Project, User
from apps.accounts.models.people import DEFAULT_PROJECT, SLUG
from apps.accounts.records import no_project
from apps.accounts.roles import user_record
from apps.audit import api as audit
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, NotFound

Kind = Literal["user", "group"]

_LONGEST_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    slug: str
    title: str
    created: datetime
    archived: datetime | None
    #: the caller's own there
    role: str


@dataclass(frozen=True, slots=True)
class MemberInfo:
    kind: Kind
    name: str
    role: str
    created: datetime


def projects(by: Actor | None = None) -> list[ProjectInfo]:
    """Those that the actor is in; superusers: all. A credential of one project sees that one."""
    if by is None or by.role == SUPERUSER:
        found = Project.objects.all() if by is None or by.may("project.read") else []
        return [_info(project, SUPERUSER) for project in found]
    roles: dict[str, str] = {}
    record = user_record(by.user_id) if by.user_id is not None and not by.bound else None
    if record is not None:
        roles = dict(record.roles)
    elif by.role:
        roles = {by.project: by.role}
    return [
        _info(project, roles[project.slug]) for project in Project.objects.filter(slug__in=roles)
    ]


def project_info(slug: str, by: Actor | None = None) -> ProjectInfo:
    actor = check(by, "project.read")
    return _info(get(slug, actor), actor.role)


def create_project(
    slug: str, title: str = "", *, owner: str | None = None, by: Actor | None = None
) -> ProjectInfo:
    """Raises Conflict for a name that is taken, also by an archived one. ``owner`` is the name of
    its first owner; without one the superusers look after it."""
    actor = check(by, "projects.create")
    if not re.fullmatch(SLUG, slug):
        raise InvalidValue(
            f"{slug[:60]!r} is no name for a project: 1 to 50 lower-case letters, digits and"
            " hyphens, with a letter or digit at each end.",
            param="slug",
        )
    title = _title(title)
    with changing_people():
        try:
            with transaction.atomic():
                project = Project.objects.create(slug=slug, title=title)
        except IntegrityError:
            raise Conflict(f"There is a project {slug!r} already.", param="slug") from None
        audit.record(actor, "project.create", "project", slug, slug, after={"title": title})
        if owner is not None:
            _put(project, "user", owner, "owner", actor)
    return _info(project, actor.role)


def change_project(slug: str, title: str, *, by: Actor | None = None) -> ProjectInfo:
    actor = _owner(check(by, "project.manage"))
    with transaction.atomic():
        project = get(slug, actor)
        before = {"title": project.title}
        project.title = _title(title)
        project.save(update_fields=["title"])
        after = {"title": project.title}
        audit.record(actor, "project.change", "project", slug, slug, before, after)
    return _info(project, actor.role)


def archive_project(slug: str, *, by: Actor | None = None) -> ProjectInfo:
    """Nobody acts in it any more: its keys open nothing and what it runs ends. Archiving twice is
    no error; the default one stays."""
    actor = _owner(check(by, "project.manage"))
    with changing_people():
        project = get(slug, actor)
        if slug == DEFAULT_PROJECT:
            raise Conflict("The default project cannot be archived.", param="slug")
        if project.archived is None:
            project.archived = timezone.now()
            project.save(update_fields=["archived"])
            farewells.project_is_archived(slug, actor.name)
            audit.record(actor, "project.archive", "project", slug, slug)
    return _info(project, actor.role)


def restore_project(slug: str, *, by: Actor | None = None) -> ProjectInfo:
    """Its members and keys as they were; what it ran stays stopped. By superusers: nobody else
    has a role in an archived project."""
    actor = check(by, "projects.create")
    with changing_people():
        project = get(slug, actor)
        if project.archived is not None:
            project.archived = None
            project.save(update_fields=["archived"])
            audit.record(actor, "project.restore", "project", slug, slug)
    return _info(project, actor.role)


def check_not_archived(slug: str) -> None:
    """For whoever would have something of it run again. Raises Conflict."""
    if Project.objects.filter(slug=slug).exclude(archived=None).exists():
        raise Conflict(
            f"The project {slug} is archived: nothing of it becomes active. Restore it first "
            f"(POST /api/projects/{slug}/restore).",
            param="active",
        )


def members(slug: str, by: Actor | None = None) -> list[MemberInfo]:
    project = get(slug, check(by, "project.read"))
    rows = project.memberships.select_related("user", "group")
    found = [_member(row) for row in rows]
    return sorted(found, key=lambda one: (-rank(one.role), one.kind, one.name))


def put_member(
    slug: str, kind: Kind, name: str, role: str, *, by: Actor | None = None
) -> MemberInfo:
    """Take somebody in, or change their role. Raises Conflict for the last owner."""
    actor = check(by, "project.manage")
    with changing_people():
        return _put(get(slug, actor), kind, name, role, actor)


def remove_member(slug: str, kind: Kind, name: str, *, by: Actor | None = None) -> None:
    """Raises NotFound for somebody who is no member, Conflict for the last owner. Their keys of
    the project open nothing any more."""
    actor = check(by, "project.manage")
    with changing_people():
        project = get(slug, actor)
        found = _membership(project, kind, name)
        if found is None:
            raise NotFound(f"There is no {kind} {name[:100]!r} in the project.", param="name")
        _check_role(found.role, actor)
        found.delete()
        before = {kind: name, "role": found.role}
        audit.record(actor, "member.remove", "project", slug, slug, before=before)


def get(slug: str, by: Actor | None = None) -> Project:
    found = Project.objects.filter(slug=slug).first()
    if found is None or (by is not None and not by.sees(slug)):
        raise no_project(slug)
    return found


def _put(project: Project, kind: Kind, name: str, role: str, actor: Actor) -> MemberInfo:
    if role not in ROLES:
        raise InvalidValue(f"A role is one of {', '.join(ROLES)}.", param="role")
    if project.archived is not None:
        raise Conflict(f"The project {project.slug} is archived.", param="slug")
    _check_role(role, actor)
    found = _membership(project, kind, name)
    if found is not None:
        _check_role(found.role, actor)
    who: Any = _someone(kind, name)
    row, _ = Membership.objects.update_or_create(
        project=project, **{kind: who}, defaults={"role": role}
    )
    before = {kind: name, "role": found.role} if found else None
    after = {kind: name, "role": role}
    audit.record(actor, "member.put", "project", project.slug, project.slug, before, after)
    return _member(row)


def _membership(project: Project, kind: Kind, name: str) -> Membership | None:
    named = {"user__username": name} if kind == "user" else {"group__name": name}
    return project.memberships.filter(**named).first()


def _someone(kind: Kind, name: str) -> User | Group:
    return users.named(name, "name") if kind == "user" else groups.named(name)


def _check_role(role: str, actor: Actor) -> None:
    """Nobody makes or unmakes somebody who is above them."""
    if rank(role) > rank(actor.role):
        raise Forbidden(f"This takes the role {role}; yours is {actor.role}.", param="role")


def _owner(actor: Actor) -> Actor:
    if rank(actor.role) < rank("owner"):
        raise Forbidden(f"This takes the role owner; yours is {actor.role}.")
    return actor


def _title(title: str) -> str:
    title = title.strip()
    if len(title) > _LONGEST_TITLE:
        raise InvalidValue(f"`title` has more than {_LONGEST_TITLE} characters.", param="title")
    return title


def _info(project: Project, role: str) -> ProjectInfo:
    return ProjectInfo(project.slug, project.title, project.created, project.archived, role)


def _member(row: Membership) -> MemberInfo:
    kind: Kind = "user" if row.user is not None else "group"
    name = row.user.username if row.user is not None else row.group.name if row.group else ""
    return MemberInfo(kind, name, row.role, row.created)
