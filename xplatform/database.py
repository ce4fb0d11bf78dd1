"""Where the database is: one URL in, one entry of Django's ``DATABASES`` out."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from xplatform.core.config import ConfigError

#: how long a writer waits for another before it gives up
_BUSY_SECONDS = 20


def database(url: str, home: Path) -> dict[str, Any]:
    """Empty: SQLite in the home folder. Raises ConfigError."""
    return _postgres(url) if url else _sqlite(home / "xplatform.sqlite3")


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": _BUSY_SECONDS,
            # A transaction that starts as a reader and then writes fails at once with "database
            # is locked" when another wrote in between; one that starts as a writer waits.
            "transaction_mode": "IMMEDIATE",
            # WAL: readers and the writer do not wait for each other. NORMAL: a power cut may
            # lose the last transactions, but never damages the file.
            "init_command": "PRAGMA journal_mode=WAL;"
            "PRAGMA synchronous=NORMAL;"
            f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000};",
        },
    }


def _postgres(url: str) -> dict[str, Any]:
    """``postgres://user:password@host:port/name?option=value``. A Unix socket's folder is the
    host, either escaped (``postgres://%2Frun%2Fpostgresql/name``) or as ``?host=/run/postgresql``.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"The setting `database` is no URL: {error}.") from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise ConfigError(
            f"The setting `database` starts with {parts.scheme + '://'!r}; only postgres:// is"
            " known (leave it empty for SQLite)."
        )
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ConfigError("The setting `database` names no database: postgres://…/<name>.")
    # urlsplit lowers the host's case, which would break the path of a socket.
    host = unquote(parts.netloc.rpartition("@")[2])
    if port is not None:
        host = host.removesuffix(f":{port}")
    host = host.removeprefix("[").removesuffix("]")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": options.pop("user", unquote(parts.username or "")),
        "PASSWORD": options.pop("password", unquote(parts.password or "")),
        "HOST": options.pop("host", host),
        "PORT": options.pop("port", str(port or "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **options},
    }
