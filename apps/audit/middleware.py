"""Around every request: where it comes from, for whatever is recorded on its way."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from apps.audit.context import Acting, within


class ActingMiddleware:
    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._later(request)
        with within(_acting(request)):
            return self.get_response(request)

    async def _later(self, request: HttpRequest) -> Any:
        with within(_acting(request)):
            return await self.get_response(request)


def _acting(request: HttpRequest) -> Acting:
    return Acting(
        address=str(request.META.get("REMOTE_ADDR", "")),
        # The gateway names requests that have no name.
        request=request.headers.get("X-Request-Id") or f"req-{secrets.token_hex(12)}",
        via=f"{request.method} {request.path}",
    )
