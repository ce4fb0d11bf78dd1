"""Who asks: the actor of a request, whichever way it came in."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.actor import Actor
from apps.accounts.matrix.routes import as_pattern, entry
from apps.accounts.models import Project
from apps.accounts.records import KeyRecord, no_project
from apps.accounts.roles import user_record
from apps.audit import api as audit
from xplatform.core.errors import NotAuthenticated

_CACHED: Final = "_xplatform_actor"


def actor_of(request: Request | HttpRequest) -> Actor:
    """Raises NotAuthenticated, and NotFound for a project that the caller is not in. A project is
    named by the header ``X-Project``, or as ``?project=``."""
    plain: Any = request._request if isinstance(request, Request) else request
    # Kept on the one that was asked: a view of REST may let in another than the session's.
    found = getattr(request, _CACHED, None)
    if not isinstance(found, Actor):
        found = _actor(request, plain)
        setattr(request, _CACHED, found)
        audit.acting(found)
    return found


def address_of(request: Request | HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def user_actor(user_id: int, project: str = "", address: str = "") -> Actor:
    """Of somebody who is signed in without a key. Raises NotAuthenticated and NotFound."""
    record = user_record(user_id)
    if record is None:
        raise NotAuthenticated("You are not signed in.")
    _check_named(project, record.superuser)
    return record.record(project).actor(address)


def _actor(request: Request | HttpRequest, plain: HttpRequest) -> Actor:
    # First: it is what reads the credential, and raises for a wrong one.
    user = request.user
    credential = getattr(request, "auth", None)
    project = plain.headers.get("X-Project") or plain.GET.get("project") or _in_path(plain)
    if isinstance(credential, KeyRecord):
        _check_named(project, not credential.project)
        return credential.actor(address_of(plain), project)
    if not user.is_authenticated or user.pk is None:
        raise NotAuthenticated("No API key was provided. Send 'Authorization: Bearer xp-…'.")
    return user_actor(user.pk, project, address_of(plain))


def _in_path(request: HttpRequest) -> str:
    """Whoever asks for a project by its path acts in it."""
    match = request.resolver_match
    route = entry("GET", as_pattern(match.route)) if match else None
    if match is None or route is None or route.thing is None or route.thing[1] != "project":
        return ""
    return str(match.kwargs.get(route.thing[0], ""))


def _check_named(project: str, sees_all: bool) -> None:
    """Others are asked for their role in it; whoever sees all should hear of a slip of the pen."""
    if project and sees_all and not Project.objects.filter(slug=project).exists():
        raise no_project(project)
