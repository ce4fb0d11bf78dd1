"""Pages whose form ends at another site: browsers hold the redirect against the page's policy."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpResponse

from xplatform.pages import HEADER, policy


def leads_to(response: HttpResponse, address: str) -> HttpResponse:
    """``address`` has been found among the client's own."""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        there = f"{parts.scheme}://{parts.netloc}"
    else:
        there = f"{parts.scheme}:"
    # From there clients lead on, to hosts that nobody here knows.
    response[HEADER] = policy(form_action=f"'self' https: {there}")
    return response
