"""What all of Django REST framework's views here share: how errors look."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.defaults import page_not_found, server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from xplatform import refused
from xplatform.core import errors

log = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error has the envelope of inference: OpenAI's ``error`` object, and ``detail``."""
    platform = _platform_error(error)
    if isinstance(error, exceptions.MethodNotAllowed):
        view = context["view"]
        platform = errors.MethodNotAllowed(context["request"].method, view.allowed_methods)
    if platform is None:
        log.error("%s failed", type(context["view"]).__name__, exc_info=error)
        platform = errors.Internal()
    set_rollback()
    refused.note(platform, context["request"], context.get("kwargs") or {}, error)
    return Response(
        json.loads(errors.envelope(platform)),
        status=platform.status,
        headers=errors.headers(platform),
    )


#: what begins so is for programs; the rest is looked at in browsers
_PROGRAMS = ("/api/", "/v1/", "/token")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Programs get the envelope, people in a browser Django's page."""
    if not request.path.startswith(_PROGRAMS):
        return page_not_found(request, exception)
    error = errors.NotFound(f"There is no route {request.path[:100]!r} here.")
    return HttpResponse(errors.envelope(error), "application/json", error.status)


def failed(request: HttpRequest) -> HttpResponse:
    refused.failed(request, sys.exc_info()[1])
    if not request.path.startswith(_PROGRAMS):
        return server_error(request)
    return HttpResponse(errors.envelope(errors.Internal()), "application/json", 500)


def _platform_error(error: Exception) -> errors.PlatformError | None:
    match error:
        case errors.PlatformError():
            return error
        case exceptions.ValidationError():
            return _first_problem(error)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            missing = isinstance(error, exceptions.NotAuthenticated)
            return errors.NotAuthenticated(_sentence(error.detail), missing=missing)
        case exceptions.PermissionDenied() | PermissionDenied():
            return errors.Forbidden("This needs the permission of an administrator.")
        case exceptions.NotFound() | Http404():
            return errors.NotFound(_sentence(str(error) or "There is nothing here."))
        case exceptions.Throttled():
            wait: float | None = getattr(error, "wait", None)
            return errors.RateLimited(_sentence(error.detail), retry_after=wait)
        case exceptions.ParseError():
            return errors.InvalidJSON(_sentence(error.detail))
        case exceptions.UnsupportedMediaType():
            return errors.UnsupportedMediaType(_sentence(error.detail))
        case exceptions.APIException() if error.status_code < 500:
            return errors.InvalidRequest(_sentence(error.detail))
    return None


def _first_problem(error: exceptions.ValidationError) -> errors.PlatformError:
    """DRF's nested lists as one sentence per field; ``param`` is the first field."""
    problems = list(_flatten(error.detail, ""))
    text = " ".join(
        f"{at}: {_sentence(what)}" if at else _sentence(what) for at, what, _ in problems
    )
    at, _, code = problems[0]
    cls = errors.MissingField if code == "required" else errors.InvalidValue
    return cls(text, param=at or None)


def _flatten(detail: Any, at: str) -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            inner = str(key) if str(key) != "body" else ""
            yield from _flatten(value, f"{at}.{inner}".strip("."))
    elif isinstance(detail, list):
        for value in detail:
            yield from _flatten(value, at)
    else:
        yield at, str(detail), getattr(detail, "code", None)


def _sentence(text: object) -> str:
    text = str(text).strip()
    return text if text.endswith((".", "…", "?", "!")) else text + "."
