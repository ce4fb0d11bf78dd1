"""A database and a broker as a cluster has them: real servers on loopback ports."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import free_port, wait_for
from xplatform.core.config import Settings
from xplatform.warden.broker import program as valkey_program


def postgres_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; distributions keep it off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("pg_config"):
        answer = subprocess.run([found, "--bindir"], capture_output=True, text=True, timeout=10)
        folders.append(Path(answer.stdout.strip()))
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def _not_root() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: what ``Popen`` needs to be somebody else."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


@contextlib.contextmanager
def postgres(password: str) -> Iterator[int]:
    """A server with a user and a database ``xplatform``; its port."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed")
    identity = _not_root()
    folder = Path(tempfile.mkdtemp(prefix="xp-pg-"))
    words = folder / "password"
    words.write_text(password)
    if identity:
        for path in (folder, words):
            os.chown(path, identity["user"], identity["group"])
    data, port = folder / "data", free_port()
    process = None
    try:
        subprocess.run(
            [
                programs / "initdb", "-D", data, "-U", "xplatform", f"--pwfile={words}",
                "--auth=scram-sha-256", "--no-sync", "--no-instructions", "-E", "UTF8",
                "--locale=C",
            ],
            check=True, capture_output=True, timeout=120, cwd=folder, **identity,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    programs / "postgres", "-D", data, "-p", str(port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    "-c", "fsync=off",
                ],
                stdout=log, stderr=log, cwd=folder, **identity,
            )  # fmt: skip
        _make_database(port, password, process)
        yield port
    finally:
        if process is not None:
            # Fast shutdown: sessions are ended.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _make_database(port: int, password: str, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    address = f"postgres://xplatform:{password}@127.0.0.1:{port}/postgres"
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "PostgreSQL ended"
        try:
            with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                connection.execute("CREATE DATABASE xplatform")
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def valkey(config: str) -> Iterator[int]:
    """A server with this configuration file, as Compose mounts it; its port."""
    folder = Path(tempfile.mkdtemp(prefix="xp-vk-"))
    port = free_port()
    (folder / "xplatform.conf").write_text(config)
    (folder / "xplatform.conf").chmod(0o600)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                valkey_program(), folder / "xplatform.conf", "--port", str(port),
                "--bind", "127.0.0.1", "--dir", folder,
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        password = next(
            line.split()[1] for line in config.splitlines() if line.startswith("requirepass ")
        )
        wait_for(lambda: _pongs(port, password), "Valkey")
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _pongs(port: int, password: str) -> bool:
    import redis

    with redis.Redis(port=port, password=password) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def secrets_path(home: Path) -> Path:
    return Settings(home=str(home)).home_path / "secrets"
