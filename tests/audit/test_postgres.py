"""The audit on PostgreSQL: the same tests, and writers at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_on_postgres(postgres_url: str) -> None:
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
        "--ds=tests.support.postgres_settings", "-m", "not slow and not server", "tests/audit",
    ]  # fmt: skip
    environ = {**os.environ, "TEST_DATABASE": postgres_url}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
