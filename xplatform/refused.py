"""What Django REST framework refused, for the audit: which action it would have been, on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS

from apps.accounts import things
from apps.accounts.matrix.routes import Route, as_pattern, entry
from apps.audit import api as audit
from xplatform.core.errors import PlatformError

#: recorded by whoever found it out, who knows whom it was about
_SAID: Final = ("login_failed", "second_factor_required", "too_many_attempts")


def note(error: PlatformError, request: Any, parameters: Mapping[str, Any]) -> None:
    """401 and 403 always; of changes also what was too much, or is not there for this caller."""
    change = request.method not in SAFE_METHODS
    if error.status not in (401, 403) and not (change and error.status in (404, 429)):
        return
    if error.code in _SAID:
        return
    route = _route(request)
    thing, thing_id = "", ""
    if route is not None and route.thing is not None:
        parameter, thing = route.thing
        thing_id = str(parameters.get(parameter, ""))
    who = audit.acting_now() or audit.Acting()
    if error.status == 404 and not (thing and _is_hidden(thing, parameters, who)):
        # A slip of the pen. What is there, and another project's, was refused.
        return
    audit.refused(
        audit.Attempt(
            action=route.action if route else f"{request.method} {request.path}",
            reason=error.code,
            thing=thing,
            thing_id=thing_id,
            project=who.project,
            who=who,
            why=error.message,
        )
    )


def _route(request: HttpRequest) -> Route | None:
    match = getattr(request, "resolver_match", None)
    return entry(request.method or "", as_pattern(match.route)) if match else None


def _is_hidden(kind: str, parameters: Mapping[str, Any], who: audit.Acting) -> bool:
    found = things.find(kind, {name: str(value) for name, value in parameters.items()})
    return found is not None and bool(who.project) and found.project != who.project
