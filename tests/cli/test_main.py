"""Which command is run, what is said when there is none, and how quick it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import msgspec
import pytest

from tests.cli.conftest import ROOT, Run
from xplatform.cli.main import COMMANDS
from xplatform.core.config import SECRET_SETTINGS, Settings


def test_help_names_every_command(xplatform: Run) -> None:
    for words in ((), ("--help",), ("-h",)):
        done = xplatform(*words)
        assert done.returncode == 0
        for name, (_, text) in COMMANDS.items():
            assert not text or text in done.stdout, name


def test_help_and_client_commands_load_nothing_heavy() -> None:
    """What makes them quick; a clock would tell of the machine's other work too."""
    for words, allowed in (
        (["--help"], ()),
        (["list", "--endpoint", "http://127.0.0.1:1"], ("msgspec",)),
    ):
        code = (
            "import sys; from xplatform.cli.main import main; main(sys.argv[1:]); "
            "print('\\n'.join(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT
        )
        loaded = set(done.stdout.splitlines())
        heavy = {"django", "celery", "kombu", "redis", "asyncio", "uvicorn", "msgspec"}
        assert loaded & heavy <= set(allowed)


@pytest.mark.parametrize(
    "name", [name for name, (_, text) in COMMANDS.items() if name != "version"]
)
def test_each_command_has_help(xplatform: Run, name: str) -> None:
    done = xplatform(name, "--help")
    assert done.returncode == 0
    assert f"usage: xplatform {name}" in done.stdout


def test_every_setting_is_a_flag_with_help(xplatform: Run) -> None:
    text = xplatform("serve", "--help").stdout
    for field in msgspec.structs.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        assert (flag in text) is (field.name not in SECRET_SETTINGS), flag
    assert "requests of one model that may wait in one web process" in " ".join(text.split())
    assert "{uvicorn,daphne}" in text
    assert "--no-demo" in text


def test_version(xplatform: Run) -> None:
    for words in (("version",), ("--version",)):
        done = xplatform(*words)
        assert done.returncode == 0
        assert done.stdout.startswith("xplatform ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lanch",), "xplatform: there is no command 'lanch'. Did you mean launch?"),
        (("migrat",), "Did you mean migrate"),
        (("qqqqq",), "xplatform: there is no command 'qqqqq'. 'xplatform --help' tells."),
        (("--frob",), "xplatform: there is no flag --frob here"),
        (("--home",), "xplatform: --home needs a value."),
    ],
)
def test_unknown_words(xplatform: Run, words: tuple[str, ...], said: str) -> None:
    done = xplatform(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_django_commands_work_under_both_names(xplatform: Run) -> None:
    done = xplatform("check")
    assert (done.returncode, done.stderr) == (
        0,
        "System check identified no issues (0 silenced).\n",
    ) or ("no issues" in done.stdout)
    by_manage = subprocess.run(
        [sys.executable, "manage.py", "--home", os.devnull + "x", "version"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert by_manage.returncode == 0
    assert by_manage.stdout.startswith("xplatform ")


def test_bad_setting_is_one_sentence_for_every_command(xplatform: Run) -> None:
    for words in (("check",), ("serve",), ("web",), ("list",), ("engine", "list")):
        done = xplatform(*words, XPLATFORM_PORT="many")
        assert done.returncode == 2, words
        assert done.stderr.startswith("xplatform: XPLATFORM_PORT is 'many': expected `int`")
        assert len(done.stderr.splitlines()) == 1


def test_global_home_flag_before_the_command(xplatform: Run, tmp_path: object) -> None:
    done = xplatform(f"--home={tmp_path}/a", "engine", "list", "--json")
    assert done.returncode == 0
    home = f"{tmp_path}/b"
    done = xplatform("--home", home, "web", "--port", "0")
    assert "--port is '0'" in done.stderr


def test_old_python_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from xplatform.cli import main

    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    assert main.main(["serve"]) == 2
    assert capsys.readouterr().err.startswith(
        "xplatform: xplatform needs Python 3.11 or newer; this is "
    )


def test_reader_that_goes_away() -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "xplatform", "serve", "--help"]
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, cwd=ROOT, text=True)
    os.close(write)
    assert done.stderr == ""


def test_help_is_quick(xplatform: Run) -> None:
    """Generous, for busy machines: it takes a twentieth of it."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        xplatform("--help")
        times.append(time.perf_counter() - began)
    assert min(times) < 1.0
