"""What the shell offers after Tab, asked of the shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from xplatform.cli.main import COMMANDS


@pytest.fixture
def script(xplatform: Run, tmp_path: Path) -> Path:
    done = xplatform("completion", "bash")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "completion.bash"
    path.write_text(done.stdout)
    return path


def offered(script: Path, *words: str) -> list[str]:
    """By bash, for the last of these words."""
    typed = " ".join(f"'{word}'" for word in words)
    code = f"""
        source {script}
        COMP_WORDS=({typed}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _xplatform
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_commands(script: Path) -> None:
    wanted = {name for name, (_, text) in COMMANDS.items() if text}
    assert wanted <= set(offered(script, "xplatform", ""))
    assert offered(script, "xplatform", "term") == ["terminate"]


def test_flags_and_actions(script: Path) -> None:
    assert "--model-name" in offered(script, "xplatform", "launch", "--mod")
    assert "--port" in offered(script, "xplatform", "serve", "--po")
    assert {"cordon", "drain"} <= set(offered(script, "xplatform", "nodes", ""))
    assert "--expires" in offered(script, "xplatform", "nodes", "token", "--ex")
    assert "--engine-index" in offered(script, "xplatform", "engine", "install", "--en")


def test_names_of_models_are_asked_for(script: Path, tmp_path: Path) -> None:
    """By the command itself, which is made up here."""
    fake = tmp_path / "xplatform"
    fake.write_text('#!/bin/sh\n[ "$*" = "list --names" ] && printf "one\\ntwo\\n"\n')
    fake.chmod(0o755)
    script.write_text(f"PATH={tmp_path}:$PATH\n" + script.read_text())
    assert offered(script, "xplatform", "terminate", "--uid", "t") == ["two"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(xplatform: Run, tmp_path: Path, shell: str) -> None:
    done = xplatform("completion", shell)
    assert done.returncode == 0
    for word in ("terminate", "model-name", "cordon"):
        assert word in done.stdout
    if shutil.which(shell):
        path = tmp_path / "script"
        path.write_text(done.stdout)
        checked = subprocess.run([shell, "-n", str(path)], capture_output=True, timeout=60)
        assert checked.returncode == 0, checked.stderr


def test_unknown_shell(xplatform: Run) -> None:
    assert xplatform("completion", "cmd").returncode == 2
