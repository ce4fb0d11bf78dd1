"""What only PostgreSQL shows: two who go at the very same time, of whom one stays; and that it
takes no NUL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import threading, django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
from xplatform.core import channels
from apps.accounts import hints
hints.broadcast = lambda *a, **k: None
from apps.accounts.actions import projects, users
from xplatform.core.errors import Conflict

projects.create_project("lab")
for name in ("ada", "bob"):
    users.create_user(name, is_superuser=True)
    projects.put_member("lab", "user", name, "owner")

def both(change):
    ready, said = threading.Barrier(2), []
    def one(name):
        ready.wait()
        try:
            change(name)
            said.append("gone")
        except Conflict:
            said.append("stays")
        finally:
            connection.close()
    threads = [threading.Thread(target=one, args=(name,)) for name in ("ada", "bob")]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(said)

print(both(lambda name: projects.remove_member("lab", "user", name)))
print(both(lambda name: users.change_user(name, is_superuser=False)))

from django.test import Client
from apps.accounts import api
from xplatform.core.config import secret
headers = {"Authorization": "Bearer " + secret("local")}
paths = ("users/a%00b", "projects/a%00b", "groups/%00", "keys/%00", "me?project=%00",
         "launches/%00")
print([Client().get("/api/" + path, headers=headers).status_code for path in paths])
"""


def test_one_of_two_stays_and_a_nul_is_not_found(postgres_url: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "xplatform.settings",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "XPLATFORM_HOME": str(tmp_path),
        "XPLATFORM_DATABASE": postgres_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    owner, superuser, nul = done.stdout.splitlines()
    assert owner == superuser == "['gone', 'stays']"
    # (A query with one is refused before anything is looked up.)
    assert nul == str([404, 404, 404, 404, 400, 404])
