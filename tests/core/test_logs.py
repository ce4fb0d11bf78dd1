"""Log files rotate, are pruned, and hold no secrets."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies

from xplatform.core import logs
from xplatform.core.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path), log_max_mb=1, log_files=3)


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The test runner's handlers and level come back."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer …"),
        ("{'Authorization': 'bearer abc'}", "{'Authorization': 'bearer …'}"),
        ("key xp-abcDEF_123-456 was used", "key xp-… was used"),
        ("redis://user:pass@host:1/0", "redis://user:…@host:1/0"),
        ("unix://:pa55@/run/x.sock", "unix://:…@/run/x.sock"),
        ("postgres://u:p%40ss@h/db and amqp://g:h@i", "postgres://u:…@h/db and amqp://g:…@i"),
        ("http://127.0.0.1:9997/a@b", "http://127.0.0.1:9997/a@b"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("xp-web is no key; nor is xp.webs", "xp-web is no key; nor is xp.webs"),
        ("plain", "plain"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


@given(strategies.from_regex(logs._SECRETS))
def test_what_is_left_out_before_masking_has_nothing_to_mask(text: str) -> None:
    assert logs.mask(text) == logs._SECRETS.sub(logs._masked, text)


def test_a_record_is_written_once_and_the_file_rolls(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = logs.RollingFile(path, maxBytes=100, backupCount=2, encoding="utf-8")
    for number in range(10):
        handler.emit(logging.makeLogRecord({"msg": f"{number}" * 29}))
    handler.close()
    left = [one.read_text() for one in (tmp_path / "log.2", tmp_path / "log.1", path)]
    assert "".join(left) == "".join(f"{number}" * 29 + "\n" for number in range(3, 10))
    assert all(len(text) <= 100 for text in left)


def test_text_and_folder_name(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    folder = logs.configure("web", settings)
    assert folder.parent == settings.logs_path
    role, started = folder.name.split("_")
    assert role == "web"
    assert len(started) == 13
    logging.getLogger("a.b").info("hello %s", "Bearer secret-token")
    logging.getLogger("a.b").warning("look out")
    logging.getLogger("a.b").debug("too fine")
    text = (folder / "xplatform.log").read_text()
    assert "INFO    a.b: hello Bearer …" in text
    assert "WARNING a.b: look out" in text
    assert "too fine" not in text
    shown = capsys.readouterr().err
    assert "look out" in shown
    assert "hello" not in shown


def test_secret_in_a_traceback_is_masked(settings: Settings) -> None:
    folder = logs.configure("web", settings)
    try:
        raise ValueError("cannot reach redis://:hunter2@host")
    except ValueError:
        logging.getLogger("x").exception("failed")
    text = (folder / "xplatform.log").read_text()
    assert "Traceback" in text
    assert "redis://:…@host" in text
    assert "hunter2" not in text


def test_json(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), log_format="json", log_level="debug")
    folder = logs.configure("control", settings)
    logging.getLogger("x").debug("a\nb xp-0123456789", extra={"request_id": "r1", "n": 3})
    try:
        raise KeyError("k")
    except KeyError:
        logging.getLogger("x").exception("failed")
    first, second = map(json.loads, (folder / "xplatform.log").read_text().splitlines())
    assert first["message"] == "a\nb xp-…"
    assert (first["level"], first["logger"], first["role"]) == ("debug", "x", "control")
    assert (first["request_id"], first["n"], first["pid"]) == ("r1", 3, os.getpid())
    assert first["time"].endswith("Z")
    assert "KeyError" in second["exception"]


def test_python_warnings_are_logged(settings: Settings) -> None:
    folder = logs.configure("web", settings)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old ways", stacklevel=1)
    assert "old ways" in (folder / "xplatform.log").read_text()


def test_log_rotates_and_is_bounded(settings: Settings) -> None:
    folder = logs.configure("web", settings)
    for _ in range(6 * 1024):
        logging.getLogger("x").info("z" * 1000)
    files = sorted(file.name for file in folder.glob("xplatform.log*"))
    assert files == ["xplatform.log", "xplatform.log.1", "xplatform.log.2"]
    assert all(file.stat().st_size <= 2**20 for file in folder.glob("xplatform.log*"))


def test_wardens_folder_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings.logs_path / "web_1"
    monkeypatch.setenv(logs.FOLDER_VARIABLE, str(given))
    assert logs.configure("web", settings) == given
    assert (given / "pid").read_text() == str(os.getpid())


def _ended(folder: Path) -> None:
    # No process has a number that large.
    (folder / "pid").write_text("99999999")


def test_two_starts_in_one_millisecond(settings: Settings) -> None:
    assert len({logs.make_folder("web", settings) for _ in range(20)}) == 20


def test_old_folders_go(settings: Settings) -> None:
    other = logs.make_folder("control", settings)
    _ended(other)
    for _ in range(30):
        newest = logs.make_folder("web", settings)
        _ended(newest)
    folders = sorted(folder.name for folder in settings.logs_path.glob("web_*"))
    assert len(folders) == logs.KEPT_FOLDERS
    assert folders[-1] == newest.name
    assert other.exists()


def test_models_that_come_and_go_share_one_limit(settings: Settings) -> None:
    for number in range(30):
        _ended(logs.make_folder(f"replica-model{number}", settings))
    assert len(list(settings.logs_path.glob("replica-*"))) == logs.KEPT_FOLDERS


def test_folder_of_a_running_process_stays(settings: Settings) -> None:
    running = logs.make_folder("web", settings)
    for _ in range(30):
        _ended(logs.make_folder("web", settings))
    assert running.exists()


def test_old_folders_hold_no_more_than_one_process_may_write(settings: Settings) -> None:
    for _ in range(6):
        folder = logs.make_folder("web", settings)
        _ended(folder)
        (folder / "xplatform.log").write_bytes(b"x" * 1_000_000)
    logs.make_folder("web", settings)
    assert len(list(settings.logs_path.glob("web_*/xplatform.log"))) == 3


def test_role_with_odd_characters(settings: Settings) -> None:
    folder = logs.make_folder("replica-a/b:c_d", settings)
    assert folder.parent == settings.logs_path
    assert folder.name.startswith("replica-a-b-c-d_")


class TestOutputFile:
    @pytest.fixture(autouse=True)
    def closing(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Files are closed whatever a test does with them."""
        made: list[logs.OutputFile] = []
        init = logs.OutputFile.__init__

        def remember(self: logs.OutputFile, *args: Any) -> None:
            made.append(self)
            init(self, *args)

        monkeypatch.setattr(logs.OutputFile, "__init__", remember)
        yield
        for output in made:
            output.close()

    def test_lines_and_rest(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 1000)
        assert output.write(b"one\ntw") == ["one"]
        assert output.write(b"o\r\n\n") == ["two", ""]
        assert output.write(b"no end") == []
        assert output.close() == ["no end"]
        assert list(output.last_lines) == ["one", "two", "no end"]
        assert output.path.read_text() == "one\ntwo\n\nno end\n"

    def test_what_is_remembered_is_bounded(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 10**9)
        output.write(b"".join(b"%d " % n + b"x" * 5000 + b"\n" for n in range(200)))
        assert len(output.last_lines) == 50
        assert max(map(len, output.last_lines)) == logs.LINE_LIMIT
        assert output.last_lines[-1].startswith("199 ")

    def test_progress_bar_is_remembered_by_its_last_state(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 1000)
        output.write(b"1 %\r50 %\r100 %\n")
        assert list(output.last_lines) == ["100 %"]

    def test_line_that_never_ends(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 2**20)
        for _ in range(64):
            output.write(b"x" * 65536)
        assert len(output._rest) <= 65536
        assert output.path.stat().st_size <= 2**20

    def test_rotates(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 1000)
        for number in range(100):
            output.write(b"%04d" % number + b"x" * 95 + b"\n")
        output.close()
        files = sorted(tmp_path.iterdir())
        assert [file.name for file in files] == ["output.log", "output.log.1", "output.log.2"]
        assert all(file.stat().st_size <= 1000 for file in files)
        assert files[0].read_text().splitlines()[-1].startswith("0099")
        assert files[2].read_text().startswith("0070")

    def test_secrets_and_bad_bytes(self, tmp_path: Path) -> None:
        output = logs.OutputFile(tmp_path / "output.log", 1000)
        output.write(b"Bearer abc \xff\n")
        assert output.path.read_text() == "Bearer … \ufffd\n"

    def test_full_disk_raises_nothing(self) -> None:
        output = logs.OutputFile(Path("/dev/full"), 1000)
        assert output.write(b"one\n") == ["one"]
        assert list(output.last_lines) == ["one"]
        output.close()
