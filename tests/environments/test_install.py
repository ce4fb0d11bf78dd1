"""Engine environments are made, shared, continued and removed, with real pip and real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.audit.models import Entry
from tests.environments import toy
from xplatform import environments
from xplatform.cli import engines
from xplatform.core.config import Settings
from xplatform.engines import registry
from xplatform.environments import EnvironmentFailed, EnvironmentInUse, UnknownEngine, store
from xplatform.environments.progress import Progress

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    toy.make_wheel(tmp_path / "wheels")
    requirements = store.REQUIREMENTS
    yield toy.use_toy(tmp_path)
    store.REQUIREMENTS = requirements
    del registry.ENGINES["toy"]


def installer(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, toy.__file__, str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def imported(python: Path) -> str:
    done = subprocess.run(
        [python, "-c", "import toylib; print(toylib.VERSION)"], capture_output=True, text=True
    )
    return done.stdout.strip()


def state(settings: Settings) -> str:
    return next(one.state for one in environments.environments(settings) if one.name == "toy")


def test_install_and_remove(settings: Settings) -> None:
    assert state(settings) == "missing"
    assert environments.environment_python("toy", settings) is None
    reports: list[tuple[str, float, str]] = []
    python = environments.install("toy", settings, lambda *report: reports.append(report))
    assert imported(python) == "1.0"
    assert environments.environment_python("toy", settings) == python
    assert state(settings) == "ready"
    fractions = [fraction for _, fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {stage for stage, _, _ in reports} >= {"creating", "installing", "ready"}

    # It is the engine's own: nothing of the server's is in it.
    own = subprocess.run([python, "-c", "import msgspec"], capture_output=True)
    assert own.returncode != 0

    assert environments.remove("toy", settings) == [settings.engines_path / "toy-1"]
    assert state(settings) == "missing"
    assert environments.remove("toy", settings) == []


def test_second_call_does_nothing(settings: Settings) -> None:
    environments.install("toy", settings)
    began = time.monotonic()
    environments.install("toy", settings)
    assert time.monotonic() - began < 0.3


def test_two_at_once_are_one(settings: Settings, tmp_path: Path) -> None:
    both = [installer(tmp_path), installer(tmp_path)]
    texts = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    assert sum("Successfully installed" in text for text in texts) == 1
    assert any("another installation of toy is running" in text for text in texts)
    assert state(settings) == "ready"


@pytest.mark.parametrize("stage", ["creating", "resolving", "downloading", "installing"])
def test_killed_and_continued(settings: Settings, tmp_path: Path, stage: str) -> None:
    killed = installer(tmp_path, f"die={stage}")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert state(settings) in ("partial", "missing")
    assert environments.environment_python("toy", settings) is None
    assert imported(environments.install("toy", settings)) == "1.0"


def test_package_that_was_cut_off_is_installed_again(settings: Settings) -> None:
    python = environments.install("toy", settings)
    folder = settings.engines_path / "toy-1"
    site = next(folder.glob("lib/python*/site-packages"))
    # As pip leaves it when it is killed between two files.
    (site / "toylib-1.0.dist-info" / "RECORD").unlink()
    (site / "toylib" / "__init__.py").unlink()
    (folder / store.COMPLETE).unlink()
    assert imported(python) == ""
    assert imported(environments.install("toy", settings)) == "1.0"


def test_python_that_is_gone_is_replaced(settings: Settings) -> None:
    python = environments.install("toy", settings)
    (settings.engines_path / "toy-1" / store.COMPLETE).unlink()
    python.unlink()
    python.symlink_to("/no/such/python")
    assert imported(environments.install("toy", settings)) == "1.0"


def test_new_requirements_make_it_incomplete(settings: Settings, tmp_path: Path) -> None:
    environments.install("toy", settings)
    toy.make_wheel(tmp_path / "wheels", version="2.0")
    (tmp_path / "requirements" / "toy.txt").write_text("toylib==2.0\n")
    assert state(settings) == "partial"
    assert imported(environments.install("toy", settings)) == "2.0"


def test_what_cannot_be_installed_says_why(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "requirements" / "toy.txt").write_text("no-such-library==1.0\n")
    with pytest.raises(EnvironmentFailed, match="No matching distribution found for no-such-lib"):
        environments.install("toy", settings)
    assert state(settings) == "partial"


def test_disk_without_room(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "requirements" / "toy.txt").write_text("# disk: 999999999 MB\ntoylib\n")
    with pytest.raises(
        EnvironmentFailed, match="needs about 999999999 MB in .*, where .* are free"
    ):
        environments.install("toy", settings)


def test_folder_that_cannot_be_made(settings: Settings) -> None:
    settings.home_path.mkdir()
    settings.engines_path.write_text("a file")
    with pytest.raises(EnvironmentFailed, match="cannot be made in"):
        environments.install("toy", settings)


def test_cancel_from_the_report(settings: Settings) -> None:
    class Cancelled(Exception):
        pass

    def report(stage: str, _fraction: float, _line: str) -> None:
        if stage == "resolving":
            raise Cancelled

    with pytest.raises(Cancelled):
        environments.install("toy", settings, report)
    # pip is gone and so is the lock.
    environments.install("toy", settings)


def test_orphaned_pip_keeps_the_lock(settings: Settings) -> None:
    """Its parent was killed: nobody installs into the same folder beside it."""
    found = registry.ENGINES["toy"]
    with store.lock(found, settings) as handle:
        orphan = subprocess.Popen(["sleep", "1"], pass_fds=(handle,))
    began = time.monotonic()
    with store.lock(found, settings):
        assert time.monotonic() - began > 0.5
    orphan.wait()


def test_environment_in_use_stays(settings: Settings) -> None:
    python = environments.install("toy", settings)
    engine = subprocess.Popen(
        [python, "-c", "print(1, flush=True); import time; time.sleep(60)"], stdout=subprocess.PIPE
    )
    try:
        # The kernel shows the new command line a moment after the program was started.
        assert engine.stdout is not None
        engine.stdout.readline()
        with pytest.raises(EnvironmentInUse, match=f"in use by process {engine.pid}"):
            environments.remove("toy", settings)
    finally:
        engine.kill()
        engine.communicate()
    assert environments.remove("toy", settings)


def test_older_versions_go_with_it_and_likenamed_engines_stay(settings: Settings) -> None:
    for name in ("toy-0", "toy-1", "llama.cpp-1", "llama-cpp-python-1"):
        (settings.engines_path / name).mkdir(parents=True)
    environments.remove("toy", settings)
    assert sorted(p.name for p in settings.engines_path.iterdir() if p.is_dir()) == [
        "llama-cpp-python-1",
        "llama.cpp-1",
    ]


@pytest.mark.django_db
def test_the_command_is_audited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DJANGO_SETTINGS_MODULE", "XPLATFORM_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # put back at the end

    def engine(*words: str) -> int:
        place = ("--home", settings.home, "--engine-index", settings.engine_index)
        return engines.run("engine", [*words, "--quiet", *place])

    def entries() -> list[tuple[str, ...]]:
        found = Entry.objects.order_by("id")
        return list(found.values_list("who", "action", "thing_id", "outcome"))

    # Nobody has a server here.
    assert engine("install", "toy") == engine("remove", "toy") == 0
    assert entries() == []
    (settings.home_path / "xplatform.sqlite3").touch()
    for words in (("install", "toy"), ("install", "toy"), ("remove", "toy"), ("remove", "toy")):
        assert engine(*words) == 0
    assert entries() == [
        ("operator", "engines.install", "toy", "done"),
        ("operator", "engines.remove", "toy", "done"),
    ]
    entry = Entry.objects.earliest("id")
    assert entry.via.startswith("manage.py engine install (")
    assert json.loads(entry.after)["node"]
    (store.REQUIREMENTS / "toy.txt").write_text("nothinglikeit==1.0\n")
    assert engine("install", "toy") == 1
    assert entries()[2:] == [("operator", "engines.install", "toy", "failed")]


def test_fake_engine_needs_none(settings: Settings) -> None:
    assert environments.environment_python("fake", settings) == Path(sys.executable)
    assert environments.install("fake", settings) == Path(sys.executable)
    assert environments.remove("fake", settings) == []


def test_unknown_engine(settings: Settings) -> None:
    with pytest.raises(UnknownEngine, match="There is no engine 'llama.ccp'; did you mean llama"):
        environments.install("llama.ccp", settings)
    with pytest.raises(UnknownEngine, match="there are llama.cpp, "):
        environments.remove("zzz", settings)


def test_every_engine_has_its_requirements() -> None:
    for found in registry.ENGINES.values():
        if found.requirements is not None:
            text = (store.REQUIREMENTS / found.requirements).read_text()
            wanted = [line for line in text.splitlines() if line and not line.startswith("#")]
            assert wanted, found.name
            # One environment, one version; links would bind it to a place.
            assert not any("://" in line for line in wanted), found.name


def test_progress_goes_forward() -> None:
    progress = Progress()
    seen = []
    for line in (
        "Looking in indexes: https://user:secret@host/simple",
        "Collecting torch==2.13.0 (from -r x.txt (line 1))",
        "  Downloading torch.whl (800.5 MB)".strip(),
        "Collecting numpy",
        "Using cached numpy.whl (16 MB)",
        "WARNING: something",
        "Installing collected packages: numpy, torch",
        "Successfully installed numpy-2 torch-2",
    ):
        progress.hear(line)
        seen.append((progress.stage, progress.fraction))
        assert "secret" not in progress.last
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert seen[0][0] == "resolving"
    assert seen[2][0] == "downloading"
    assert seen[-1] == ("installing", 0.99)
