"""What was refused over REST, and changes that failed, for the audit: which action it would have
been, on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS

from apps.accounts import things
from apps.accounts.asking import actor_of
from apps.accounts.matrix.routes import Route, as_pattern, entry
from apps.audit import api as audit
from xplatform.core.errors import Internal, PlatformError

#: recorded by whoever found it out, who knows whom it was about
_SAID: Final = ("login_failed", "second_factor_required", "too_many_attempts")


def note(
    error: PlatformError, request: Any, parameters: Mapping[str, Any], cause: BaseException
) -> None:
    """401 and 403 always; of changes also what was too much, or is not there for this caller, and
    what failed though it was allowed. ``cause`` is what was raised."""
    change = request.method not in SAFE_METHODS
    if change and error.status >= 500 and _was_allowed(request):
        audit.failed(_attempt(error.code, _told(error, cause), request, parameters))
        return
    if error.status not in (401, 403) and not (change and error.status in (404, 429)):
        return
    if error.code in _SAID:
        return
    attempt = _attempt(error.code, error.message, request, parameters)
    if error.status == 404 and not _is_hidden(attempt, parameters):
        # A slip of the pen. What is there, and another project's, was refused.
        return
    audit.refused(attempt)


def failed(request: HttpRequest, cause: BaseException | None) -> None:
    """A change on a page that is not REST's, by somebody who is known; mostly in the admin."""
    who = audit.acting_now()
    if request.method in SAFE_METHODS or who is None or not who.name:
        return
    error = Internal()
    audit.failed(_attempt(error.code, _told(error, cause), request, {}))


def _attempt(
    reason: str, why: str, request: HttpRequest, parameters: Mapping[str, Any]
) -> audit.Attempt:
    route = _route(request)
    thing, thing_id = "", ""
    if route is not None and route.thing is not None:
        parameter, thing = route.thing
        thing_id = str(parameters.get(parameter, ""))
    who = audit.acting_now() or audit.Acting()
    return audit.Attempt(
        action=route.action if route else f"{request.method} {request.path}",
        reason=reason,
        thing=thing,
        thing_id=thing_id,
        project=who.project,
        who=who,
        why=why,
    )


def _told(error: PlatformError, cause: BaseException | None) -> str:
    """Of a defect what it is called: its text may have anything in it, and is in the log."""
    if cause is None or isinstance(cause, PlatformError):
        return error.message
    return type(cause).__name__


def _was_allowed(request: Any) -> bool:
    route = _route(request)
    if route is None or route.action == "public":
        return False
    try:
        return actor_of(request).may(route.action)
    except Exception:
        # It never got so far: who asks would be known by now.
        return False


def _route(request: HttpRequest) -> Route | None:
    match = getattr(request, "resolver_match", None)
    return entry(request.method or "", as_pattern(match.route)) if match else None


def _is_hidden(attempt: audit.Attempt, parameters: Mapping[str, Any]) -> bool:
    if not attempt.thing:
        return False
    found = things.find(attempt.thing, {name: str(value) for name, value in parameters.items()})
    return found is not None and bool(attempt.project) and found.project != attempt.project
