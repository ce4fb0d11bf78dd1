"""Sessions of browsers."""

from __future__ import annotations

from django.contrib.sessions import middleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


class SessionMiddleware(middleware.SessionMiddleware):
    """Takes a cookie away only when this very request ended its session.

    Django does so, too, when the session is not there any more. A browser whose session has just
    got a new key (another password, a login) may have sent that request with the old cookie: the
    answer would take the new one away, and log out whoever had just come in."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = request.session
        if session.is_empty() and not session.modified:
            if session.accessed:
                patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)
