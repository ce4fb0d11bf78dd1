"""The matrix at the door of every REST view: what the route does, on whose thing, and whether the
caller may. A route without an entry is refused to everybody."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts import things
from apps.accounts.asking import actor_of
from apps.accounts.matrix.routes import as_pattern, entry
from xplatform.core.errors import Forbidden, NotFound


class MatrixPermission(BasePermission):
    """The default of all views. What a body or a query names, the action itself looks up."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request.resolver_match
        pattern = as_pattern(match.route) if match else "/"
        route = entry(request.method or "", pattern)
        if match is None or route is None:
            raise Forbidden(f"Nobody may use {pattern}: it is not in the permission matrix.")
        if route.action == "public":
            return True
        actor = actor_of(request)
        if route.thing is not None:
            parameter, kind = route.thing
            given = {name: str(value) for name, value in match.kwargs.items()}
            found = things.find(kind, given)
            if found is None or not (found.shared or actor.sees(found.project)):
                raise unknown(kind, parameter, given[parameter])
        if not actor.may(route.action):
            raise Forbidden.lacking(route.action)
        return True


def unknown(kind: str, parameter: str, value: str) -> NotFound:
    """What an app says of a thing that was never there, for one that the caller does not see."""
    return NotFound(f"There is no {things.noun(kind)} {value[:100]!r}.", param=parameter)
