"""Settings as people see them: what they mean, where each came from, and no secret."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from xplatform.core import config
from xplatform.core.config import PREFIX, SECRET_SETTINGS, Settings, origin_of

#: addresses that may have a password in them
_ADDRESSES = frozenset(
    {"broker", "channels", "database", "engine_index", "hf_endpoint", "modelscope_endpoint"}
)
_IN_QUERY = re.compile(r"([?&][^=&#]*(?:pass|token|secret)[^=&#]*=)[^&#]+", re.IGNORECASE)

Value = bool | int | float | str | None
Origin = Literal["default", "file", "environment", "flag"]


class ShownSetting(msgspec.Struct, frozen=True):
    name: str
    #: in force; of a secret null, and of an address without its password
    value: Value
    default: Value
    origin: Origin
    #: the flag, the variable, or the key and its file; empty for a default
    given_by: str
    secret: bool
    #: of a secret: somebody gave one
    is_set: bool
    variable: str
    #: empty: it has none
    flag: str
    meaning: str


def shown(settings: Settings) -> Iterator[ShownSetting]:
    meanings = comments()
    for field in msgspec.structs.fields(Settings):
        name, value = field.name, getattr(settings, field.name)
        secret = name in SECRET_SETTINGS
        given = origin_of(name)
        yield ShownSetting(
            name=name,
            value=None if secret else without_password(value) if name in _ADDRESSES else value,
            default=None if secret else field.default,
            origin=_kind(given),
            given_by=given,
            secret=secret,
            is_set=bool(value) if secret else value != field.default,
            variable=PREFIX + name.upper(),
            flag="" if secret else "--" + name.replace("_", "-"),
            meaning=meanings.get(name, ""),
        )


def without_password(url: str) -> str:
    """Also one that stands in the query, as some clients of databases and brokers take it, and one
    that stands alone before the host, as package indexes do."""
    url = _IN_QUERY.sub(r"\1…", url)
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.username and not parts.password:
        return parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]).geturl()
    if parts.password is None:
        return url
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{parts.username or ''}:…@{host}").geturl()


def _kind(given: str) -> Origin:
    if not given:
        return "default"
    if given.startswith("--"):
        return "flag"
    return "file" if " in " in given else "environment"


def comments() -> dict[str, str]:
    """The ``#:`` lines above each setting: they are the documentation, written once. Settings that
    follow each other without one share it."""
    try:
        source = inspect.getsource(config.Settings)
    except OSError:
        return {}
    found: dict[str, str] = {}
    above: list[str] = []
    last = ""
    for line in source.splitlines():
        if comment := re.match(r"\s+#: ?(.*)", line):
            above.append(comment[1])
        elif setting := re.match(r"    (\w+): ", line):
            last = " ".join(above) or last
            found[setting[1]] = last
            above = []
        elif line.startswith("    @"):
            break
    return found
