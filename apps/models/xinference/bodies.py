"""The bodies of requests: read, checked, each mistake named by its field."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from rest_framework.request import Request

from xplatform.core.config import settings
from xplatform.core.errors import (
    BodyTooLarge,
    InvalidJSON,
    InvalidValue,
    MissingField,
    PlatformError,
    UnknownField,
)

T = TypeVar("T")

_AT = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(.*?)`")
_UNKNOWN = re.compile(r"contains unknown field `(.*?)`")


def read_object(request: Request) -> dict[str, Any]:
    """The body as one JSON object; an empty body is an empty object."""
    try:
        raw = request._request.body
    except RequestDataTooBig:
        raise BodyTooLarge(min(settings().max_body_mb, 32) << 20) from None
    if not raw.strip():
        return {}
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidJSON(f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise InvalidJSON("The body is JSON, but not an object.")
    return body


def read_body(request: Request, form: type[T]) -> T:
    return convert(read_object(request), form)


def convert(value: Any, form: type[T], at: str = "") -> T:
    """``value`` as a ``form``. ``at`` is where it stood in the request."""
    try:
        return msgspec.convert(value, form, strict=True)
    except msgspec.ValidationError as error:
        raise explain(error, at) from None


def explain(error: msgspec.ValidationError, at: str = "") -> PlatformError:
    """msgspec's complaint with the field's name in front."""
    text = str(error)
    place = at
    if found := _AT.search(text):
        inner = found[1]
        place = f"{at}.{inner}".strip(".") if not inner.startswith("[") else at + inner
        text = text[: found.start()]
    if found := _MISSING.search(text):
        param = f"{place}.{found[1]}".strip(".")
        return MissingField(f"`{param}` is missing.", param=param)
    if found := _UNKNOWN.search(text):
        param = f"{place}.{found[1]}".strip(".")[:200]
        return UnknownField(f"There is no field `{param}` here.", param=param)
    return InvalidValue(f"`{place or 'body'}`: {text}.", param=place or None)


def plain_text(text: str, param: str, most: int = 512) -> str:
    """A name as it is kept: one line, not empty. Raises InvalidValue."""
    if not 0 < len(text) <= most or text != text.strip() or not text.isprintable():
        raise InvalidValue(
            f"`{param}` is one line of 1 to {most} characters, without spaces around it.",
            param=param,
        )
    return text
