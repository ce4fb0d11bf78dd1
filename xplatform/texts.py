"""No NUL in an address's query or in a form: PostgreSQL stores none, so whatever looks something
up by such a text would fail there, and find nothing elsewhere. (JSON bodies are checked by their
serializers, paths by the permission matrix.)"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

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
    texts = [request.META.get("QUERY_STRING", "").encode("utf-8", "surrogateescape")]
    if request.content_type == _FORM:
        texts.append(request.body)
    if not any(
        b"\0" in unquote_to_bytes(text) for text in texts if b"%00" in text or b"\0" in text
    ):
        return None
    error = errors.InvalidValue(
        "A NUL character is in the address or in the form: no text has one."
    )
    return HttpResponse(errors.envelope(error), "application/json", error.status)
