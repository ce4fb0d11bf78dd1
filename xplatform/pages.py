"""The content security policy of pages that people look at: nothing from elsewhere, no script or
style in the page itself but under the page's nonce. (Django has this from 6.0 on.)

A template that needs a script of its own says ``<script nonce="{{ csp_nonce }}">``; a view that
needs another policy sets the header itself. Answers that are no pages have the strictest policy
already, by ``xplatform.core.web_rules``.
"""

from __future__ import annotations

import secrets
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

HEADER = "Content-Security-Policy"


class PagePolicy:
    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._async:
            return self._later(request)
        return self._with_policy(request, self._get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        return self._with_policy(request, await self._get_response(request))

    @staticmethod
    def _with_policy(request: HttpRequest, response: Any) -> HttpResponseBase:
        if HEADER not in response and response.get("Content-Type", "").startswith("text/html"):
            response[HEADER] = policy(getattr(request, "_csp_nonce", ""))
        return response  # type: ignore[no-any-return]


def policy(nonce: str = "", *, form_action: str = "'self'", media: bool = False) -> str:
    """``form_action``: where forms may lead, also by the redirect after them. ``media``: pictures
    and sound that the page itself has made or fetched may be shown."""
    made = " blob:" if media else ""
    own = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {own}",
            f"style-src {own}",
            f"img-src 'self' data:{made}",
            *((f"media-src 'self'{made}",) if media else ()),
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            f"form-action {form_action}",
            "frame-ancestors 'none'",
        )
    )


def csp_nonce(request: HttpRequest) -> dict[str, Any]:
    """A context processor. The nonce is made when a template asks for it."""

    # Django REST framework wraps requests, and the middleware sees what is inside.
    inner: Any = getattr(request, "_request", request)

    def make() -> str:
        if not hasattr(inner, "_csp_nonce"):
            inner._csp_nonce = secrets.token_urlsafe(16)
        return str(inner._csp_nonce)

    return {"csp_nonce": SimpleLazyObject(make)}
