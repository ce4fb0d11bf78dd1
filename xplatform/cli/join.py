"""``xplatform worker --join URL``: make this machine a node of a cluster, by a token."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from xplatform.cli.flags import add_setting_flags, settings_from
from xplatform.cli.version import version
from xplatform.core.addresses import is_own_machine
from xplatform.core.config import PREFIX, ConfigError, Settings, secret
from xplatform.warden.errors import StartError

TOKEN_VARIABLE = PREFIX + "JOIN_TOKEN"
#: how long a machine that has just started waits for a server that may be starting too
PATIENCE = 60.0
#: and for its name: the one that has it may be its own former self (a container that was replaced),
#: of whose end the server does not know yet
NAME_PATIENCE = 16.0
_TIMEOUT = 20.0


def run(command: str, words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        f"xplatform {command}",
        allow_abbrev=False,  # the token must be found and taken out
        description="Join a cluster: this machine runs models that others launch. The token is"
        f" kept in the home folder (or given by {TOKEN_VARIABLE} each time), with the server's"
        " address, the machine's name and its labels, so that the machine joins again after a"
        " restart without them.",
    )
    parser.add_argument("--join", metavar="URL", help="web address of the server")
    parser.add_argument("--token", help=f"join token; better by {TOKEN_VARIABLE} or --token-file")
    parser.add_argument("--token-file", metavar="FILE", help="a file with the join token in it")
    parser.add_argument("--name", help="this machine's name in the cluster")
    parser.add_argument("--labels", help="its labels: zone=a,gpu=big")
    add_setting_flags(parser, _flags())
    arguments = parser.parse_args(words)
    if arguments.labels is not None:
        arguments.node_labels = arguments.labels
    settings = settings_from(arguments)
    if arguments.node_labels is None and not settings.node_labels:
        settings = msgspec.structs.replace(settings, node_labels=_recall(settings, "join-labels"))
    os.umask(0o077)
    if arguments.token:
        _remember(settings, "join-token", arguments.token)
        _start_anew_without_token()
    if settings.broker or settings.channels:
        raise ConfigError(
            "A machine that joins gets its broker from the server: leave broker and channels out,"
            " or use 'xplatform node', which takes them."
        )
    # It stays who it is: under another name it would be one machine more, and its old self silent.
    name = arguments.name or settings.node_name or _recall(settings, "join-name")
    name = name or socket.gethostname()
    token = os.environ.pop(TOKEN_VARIABLE, "") or _token(arguments.token_file, settings)
    url = (arguments.join or _recall(settings, "join-url")).rstrip("/")
    if not url:
        raise ConfigError("Say which server to join: --join http://host:9997.")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigError(f"{url!r} is no address of a server like http://host:9997.")
    admission = join(url, token, name, settings)
    for file, text in (
        ("join-url", url),
        ("join-token", token),
        ("join-name", name),
        ("join-labels", settings.node_labels),
    ):
        _remember(settings, file, text)
    from xplatform.warden import serve

    return serve.node(joined(settings, admission))


def join(url: str, token: str, name: str, settings: Settings) -> dict[str, Any]:
    """What the server answers. Raises StartError."""
    body = {
        "name": name,
        "instance": hashlib.sha256(secret("node", settings).encode()).hexdigest()[:16],
        "version": version(),
        "labels": settings.labels,
    }
    began = time.monotonic()
    told = False
    while True:
        try:
            return _post(f"{url}/api/nodes/join", token, body)
        except _NotNow as error:
            if time.monotonic() - began > error.patience:
                raise StartError(f"Cannot join {url}: {error}.") from None
            if not told:
                print(f"Cannot join {url} yet: {error}; trying on for a while.", flush=True)
            told = True
            time.sleep(1.0)


def joined(settings: Settings, admission: dict[str, Any]) -> Settings:
    """This machine's settings, with the cluster's where nothing else was said here."""
    defaults = Settings()
    shared = {
        name: value
        for name, value in admission["settings"].items()
        if getattr(settings, name, None) == getattr(defaults, name, value)
        and name in Settings.__struct_fields__
    }
    return msgspec.structs.replace(
        settings,
        **shared,
        node_name=admission["node"],
        broker=admission["broker"],
        channels=admission["channels"],
    )


class _NotNow(Exception):
    """It may work in a moment."""

    def __init__(self, text: str, patience: float = PATIENCE) -> None:
        super().__init__(text)
        self.patience = patience


def _post(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    handlers = []
    if is_own_machine(urlsplit(url).hostname or ""):
        # A proxy for the world knows no server of this machine.
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT) as answer:
            reply: dict[str, Any] = json.loads(answer.read())
            return reply
    except urllib.error.HTTPError as error:
        said, field = _said(error)
        if error.code >= 500:
            raise _NotNow(said) from None
        if error.code == 409 and field == "name":
            raise _NotNow(said, NAME_PATIENCE) from None
        raise StartError(f"The server refuses this machine: {said}.") from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise _NotNow(str(getattr(reason, "strerror", "") or reason)) from None
    except ValueError:
        raise StartError(f"What answers at {url} is not xplatform.") from None


def _said(error: urllib.error.HTTPError) -> tuple[str, str | None]:
    """The server's sentence without its full stop, and the field that it blames."""
    try:
        said = json.loads(error.read())["error"]
        return str(said["message"]).rstrip("."), said["param"]
    except (ValueError, KeyError, TypeError, OSError):
        return f"{error.code} {error.reason}", None


def _flags() -> list[str]:
    return [name for name in Settings.__struct_fields__ if name not in ("broker", "channels")]


def _token(file: str | None, settings: Settings) -> str:
    if file:
        try:
            return Path(file).expanduser().read_text().strip()
        except OSError as error:
            raise ConfigError(f"Cannot read the token's file {file}: {error.strerror}.") from None
    token = _recall(settings, "join-token")
    if not token:
        raise ConfigError(
            f"A join token is missing: give --token, --token-file or {TOKEN_VARIABLE}; an"
            " administrator makes one (POST /api/join-tokens)."
        )
    return token


def _remember(settings: Settings, name: str, text: str) -> None:
    folder = settings.home_path / "secrets"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as target:
            target.write(text + "\n")
    except OSError as error:
        raise StartError(
            f"Cannot write to the home folder {settings.home_path} ({error.strerror});"
            " choose another one with --home or XPLATFORM_HOME."
        ) from None


def _recall(settings: Settings, name: str) -> str:
    try:
        return (settings.home_path / "secrets" / name).read_text().strip()
    except OSError:
        return ""


def _start_anew_without_token() -> None:
    """Everybody on the machine can read command lines, and this process lives for long. The token
    is in the home by now."""
    words = without_token(sys.orig_argv[1:])
    os.environ.pop(TOKEN_VARIABLE, None)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *words])


def without_token(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word == "--token":
            skip = True
        elif not word.startswith("--token="):
            kept.append(word)
    return kept
