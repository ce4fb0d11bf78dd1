"""A PostgreSQL server for tests, on a Unix socket in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

_PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt")


def programs() -> Path | None:
    """The folder of initdb and the others; None: PostgreSQL is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for place in _PLACES:
        for path in sorted(Path(place).glob("*/bin/initdb"), reverse=True):
            return path.parent
    return None


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of an empty database, as the setting ``database`` takes it."""
    folder = programs()
    assert folder is not None
    home = Path(tempfile.mkdtemp(prefix="xp-pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def call(program: str, *words: str) -> None:
        command = [*prefix, str(folder / program), *words]
        subprocess.run(command, check=True, capture_output=True, cwd=home, timeout=120)

    data = home / "data"
    options = (
        f"-c listen_addresses='' -c unix_socket_directories={home}"
        " -c fsync=off -c max_connections=200"
    )
    try:
        call("initdb", "-D", str(data), "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")
        call("pg_ctl", "-D", str(data), "-l", str(home / "log"), "-o", options, "-w", "start")
        try:
            call("createdb", "-h", str(home), "-U", "tester", "xplatform")
            yield f"postgres://tester@{quote(str(home), safe='')}/xplatform"
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A server of the module's own: what its tests leave in the database is its own affair."""
    if programs() is None:
        pytest.skip("PostgreSQL's programs are not installed")
    with running() as url:
        yield url
