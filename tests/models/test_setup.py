"""``setup``: a ready database, whoever starts first, and however often."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]


def command(home: Path, *words: str, **environ: str) -> subprocess.Popen[bytes]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM", "DJANGO"))}
    env |= {
        "XPLATFORM_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "xplatform.settings",
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    argv = [sys.executable, "-m", "django", *words]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def set_up(home: Path, **environ: str) -> dict[str, Any]:
    process = command(home, "setup", "--json", **environ)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    made: dict[str, Any] = json.loads(out)
    assert out.count(b"\n") == 1
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_first_and_second_time(home: Path) -> None:
    first = set_up(home)
    assert first["created"] is True
    assert first["admin"]["username"] == "admin"
    assert len(first["admin"]["password"]) >= 20
    assert first["api_key"].startswith("xp-")
    started = time.monotonic()
    again = set_up(home)
    took = time.monotonic() - started
    assert again == {"admin": None, "api_key": None, "created": False}
    # About half a second on an idle machine; here other tests may run beside.
    assert took < 5
    database = (home / "xplatform.sqlite3").read_bytes()
    for secret in (first["api_key"], first["admin"]["password"]):
        assert secret.encode() not in database


def test_sqlite_is_in_wal_mode(home: Path) -> None:
    with sqlite3.connect(home / "xplatform.sqlite3") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_given_password_and_key_are_not_repeated(tmp_path: Path) -> None:
    made = set_up(
        tmp_path,
        XPLATFORM_ADMIN_PASSWORD="a-password-of-mine",
        XPLATFORM_API_KEY="a-key-of-mine-0123456789",
    )
    assert made["admin"] == {"username": "admin", "password": None}
    assert made["api_key"] is None


def test_two_at_once(tmp_path: Path) -> None:
    both = [command(tmp_path, "setup", "--json") for _ in range(2)]
    answers = []
    for process in both:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, err.decode()
        answers.append(json.loads(out))
    assert sorted(answer["created"] for answer in answers) == [False, True]
    assert sum(answer["api_key"] is not None for answer in answers) == 1


def test_a_weak_password_is_one_sentence(tmp_path: Path) -> None:
    process = command(tmp_path, "setup", "--json", XPLATFORM_ADMIN_PASSWORD="123")
    out, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert out == b""
    assert b"admin_password" in err
    assert b"Traceback" not in err


def test_an_unusable_database_is_one_sentence(tmp_path: Path) -> None:
    url = f"postgres:///nobody?host={tmp_path}"
    process = command(tmp_path, "setup", "--json", XPLATFORM_DATABASE=url)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert b"database cannot be used" in err
    assert b"Traceback" not in err


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_django_checks() -> None:
    call_command("check", "--fail-level", "WARNING")


_WRITER = """
import sys
import django
django.setup()
from apps.models import api
from apps.models.control import effects
from apps.models.models import Launch
from apps.models.tasks import hear_node, reconcile
from tests.models.world import an_order
import time
class Nobody:
    connected = True
    def send(self, *a, **k): pass
    forget_queue = send
effects.sender = lambda: Nobody()
uid = sys.argv[1]
for n in range(40):
    hear_node({"node": uid, "time": time.time(), "replicas": []})
    api.launch(an_order(uid))
    reconcile()
    api.wake(uid)
    api.terminate(uid)
"""


def test_many_writers_never_find_the_database_locked(home: Path) -> None:
    environ = {
        "XPLATFORM_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "xplatform.settings",
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, f"writer{n}"], env=environ, stderr=subprocess.PIPE
        )
        for n in range(4)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=200)
        assert writer.returncode == 0, err.decode()
        assert b"locked" not in err
