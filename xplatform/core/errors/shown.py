"""Errors as they are answered: bodies, headers and the table of the documentation."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from xplatform.core.errors.base import BY_CODE, PlatformError
from xplatform.core.errors.caller import MethodNotAllowed


def envelope(error: PlatformError) -> bytes:
    """The body of an error response: OpenAI's object, and Xinference's ``detail`` beside it."""
    return msgspec.json.encode({"error": error_object(error), "detail": error.message})


def error_object(error: PlatformError) -> dict[str, Any]:
    """OpenAI's ``error`` object: always all four keys, the others where they are known."""
    shape: dict[str, Any] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if error.retry_after is not None:
        shape["retry_after"] = error.retry_after
    if error.reason is not None:
        shape["reason"] = error.reason.told()
    return shape


def headers(error: PlatformError) -> dict[str, str]:
    """Headers that belong to the error. ``x-should-retry`` is what the published OpenAI clients
    obey before their own rules (which would repeat any 409 and 500)."""
    out = {"x-should-retry": "true" if error.retryable else "false"}
    if error.retry_after is not None:
        out["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        out["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, MethodNotAllowed):
        out["Allow"] = ", ".join(error.data.get("allowed", ()))
    return {**out, **error.more_headers}


def _challenge(error: PlatformError) -> str:
    """RFC 6750, section 3: who sent nothing is not told of an error."""
    challenge = 'Bearer realm="xplatform"'
    if problem := getattr(error, "challenge", ""):
        # The header's text is printable ASCII without quotes.
        said = re.sub(r"[^ -~]|[\"\\\\]", "'", error.message.replace("…", "..."))
        challenge += f', error="{problem}", error_description="{said}"'
    return challenge


def markdown_table() -> str:
    """The table of ``docs/errors.md``; a test compares. Codes of an app stand in its own docs."""
    rows = ["| code | status | who must act | meaning | what to do |", "|---|---|---|---|---|"]
    for code, cls in BY_CODE.items():
        if not is_own(cls):
            continue
        meaning = " ".join((cls.__doc__ or "").split())
        rows.append(f"| `{code}` | {cls.status} | {cls.who} | {meaning} | {cls.cure} |")
    return "\n".join(rows) + "\n"


def is_own(cls: type[PlatformError]) -> bool:
    """Whether it stands in this package, and not in an app."""
    return cls.__module__.startswith(f"{__package__}.")
