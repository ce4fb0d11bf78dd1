"""No NUL in an address, in the header that names a project or in a form: PostgreSQL stores none, so
whatever looks something up by such a text would fail there, and find nothing elsewhere. (JSON
bodies are checked by their serializers, what comes by WebSocket by ``apps.models.events``.)"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse

from xplatform.core import errors

_FORM = "application/x-www-form-urlencoded"


class NoNul:
    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._later(request)
        return _refused(request) or self._get_response(request)

    async def _later(self, request: HttpRequest) -> Any:
        return _refused(request) or await self._get_response(request)


def _refused(request: HttpRequest) -> HttpResponse | None:
    error: errors.PlatformError
    if "\0" in request.path:
        error = errors.NotFound("There is nothing of a name with a NUL in it.")
    elif any(map(_has_one, _texts(request))):
        text = "A NUL character is in the address or in the form: no text has one."
        if request.path.startswith("/oauth/"):  # whose clients read RFC 6749's form
            said = {"error": "invalid_request", "error_description": text}
            return JsonResponse(said, status=400)
        error = errors.InvalidValue(text)
    else:
        return None
    return HttpResponse(errors.envelope(error), "application/json", error.status)


def _texts(request: HttpRequest) -> list[bytes]:
    given = [request.META.get(name, "") for name in ("QUERY_STRING", "HTTP_X_PROJECT")]
    texts = [text.encode("utf-8", "surrogateescape") for text in given]
    return [*texts, request.body] if request.content_type == _FORM else texts


def _has_one(text: bytes) -> bool:
    return (b"%00" in text or b"\0" in text) and b"\0" in unquote_to_bytes(text)
