"""One server for all modules here: two web processes, and nothing that a module leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.server import Server, serving

_SEED = """
import json, django
django.setup()
from tests.support.people import key_of
people = [(f"{role}-of-ours", role, "ours") for role in ("viewer", "developer", "admin", "owner")]
people.append(("developer-of-theirs", "developer", "theirs"))
print(json.dumps({name: key_of(name, role, project) for name, role, project in people}))
"""


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with serving("--web-processes", "2", "--no-demo", "--fetch-allow", "127.0.0.1") as running:
        yield running


@pytest.fixture(scope="package")
def tokens(server: Server) -> dict[str, str]:
    """``<role>-of-<project>`` → the token of such a person's key."""
    environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "xplatform.settings"}
    made = subprocess.run(
        [sys.executable, "-c", _SEED], env=environ, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return dict(json.loads(made.stdout.splitlines()[-1]))
