"""What a first start prints works as printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import ENGINES, ROOT, free_port, wait_for

pytestmark = pytest.mark.engine


def test_the_printed_command_works_as_printed(engine_environment: Callable[[str], Path]) -> None:
    engine_environment("llama.cpp")
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    home = Path(tempfile.mkdtemp(prefix="xp-"))
    (home / "engines").symlink_to(ENGINES)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM", "DJANGO"))}
    environ |= {"XPLATFORM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    output = home / "said"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "xplatform", "serve", "--port", str(free_port())],
            env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(lambda: "Ctrl-C stops it." in output.read_text(), "the welcome", 90)
        said = output.read_text()
        command = re.search(r"^  curl .*?'$", said, re.MULTILINE | re.DOTALL)
        assert command is not None, said
        # From a shell that knows nothing of our settings.
        shell = {k: v for k, v in environ.items() if not k.startswith("XPLATFORM")}
        done = subprocess.run(
            ["sh", "-c", command[0]], env=shell, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert "xplatform" in answer["choices"][0]["message"]["content"].lower(), answer
        assert answer["choices"][0]["finish_reason"] == "stop"

        password = re.search(r"user (\S+), password (\S+) \(shown this once\)", said)
        assert password is not None, said
        key = re.search(r"API key +(xp-\S+) \(shown this once\)", said)
        assert key is not None, said
        logs = "".join(
            path.read_text(errors="replace") for path in home.rglob("*.log") if path.is_file()
        )
        assert key[1] not in logs
        assert password[2] not in logs
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
        shutil.rmtree(home, ignore_errors=True)
