"""The node's side of questions: the answers, their errors, and that they wait for nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.models.node import questions
from apps.models.node.answers import engines
from apps.models.node.questions import Desk, Here, answer, question
from apps.models.nodes.ask import error_of
from tests.models.fake_warden import FakeWarden
from tests.models.test_agent import KEY, agent, make_agent, reports, settings, start, warden
from tests.support.server import wait_for
from xplatform import environments
from xplatform.core import errors
from xplatform.core.config import Settings
from xplatform.core.logs import make_folder

__all__ = ["agent", "reports", "settings", "warden"]

questions.learn()


@pytest.fixture
def here(agent: Any, settings: Settings) -> Here:
    return Here("n1", settings, agent)


@pytest.fixture
def own_questions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(questions, "_ANSWERS", dict(questions._ANSWERS))
    return


class Box:
    """Where answers arrive."""

    def __init__(self) -> None:
        self.replies: dict[str, Any] = {}

    def put(self, key: str, data: bytes) -> None:
        self.replies[key] = msgspec.msgpack.decode(data)

    def wait(self, key: str) -> Any:
        return wait_for(lambda: self.replies.get(key), f"an answer to {key}")


class TestArguments:
    def test_unknown_question(self, here: Here) -> None:
        with pytest.raises(errors.NotFound, match=r"'no\.such'"):
            answer(here, "no.such", {})

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({}, "missing a required argument: 'path'"),
            ({"path": "/", "other": 1}, "unexpected keyword argument 'other'"),
            ({"path": 7}, "Expected `str`, got `int`"),
        ],
    )
    def test_arguments_are_checked(self, here: Here, arguments: dict[str, Any], says: str) -> None:
        with pytest.raises(errors.InvalidValue, match=says):
            answer(here, "path.check", arguments)

    def test_one_answer_a_question(self, own_questions: None) -> None:
        with pytest.raises(TypeError, match="has an answer already"):
            question("path.check")(lambda here: {})


class TestDesk:
    def test_errors_of_ours_arrive_as_they_were(self, here: Here, own_questions: None) -> None:
        @question("refuse")
        def refuse(here: Here) -> dict[str, Any]:
            raise errors.Conflict("It is in use.", param="id", data={"by": 3})

        box = Box()
        Desk(here, box.put).ask("refuse", {}, "k")
        error = error_of(box.wait("k")["error"])
        assert type(error) is errors.Conflict
        assert (error.message, error.param, error.status) == ("It is in use.", "id", 409)
        assert error.data == {"by": 3}

    def test_other_errors_name_node_and_question(self, here: Here, own_questions: None) -> None:
        @question("break")
        def broken(here: Here) -> dict[str, Any]:
            raise ValueError("oops")

        box = Box()
        Desk(here, box.put).ask("break", {}, "k")
        error = error_of(box.wait("k")["error"])
        assert type(error) is errors.Internal
        for word in ("n1", "'break'", "oops"):
            assert word in error.message

    def test_an_error_of_a_newer_version(self) -> None:
        error = error_of({"code": "not_invented_yet", "message": "Read me."})
        assert (type(error), error.message) == (errors.Internal, "Read me.")

    def test_slow_answers_hold_up_neither_orders_nor_others(
        self, here: Here, own_questions: None
    ) -> None:
        go_on = threading.Event()

        @question("slow")
        def slow(here: Here) -> dict[str, Any]:
            go_on.wait(30)
            return {"slow": True}

        box = Box()
        desk = Desk(here, box.put)
        for number in range(3):
            desk.ask("slow", {}, f"slow-{number}")  # does not block
        desk.ask("path.check", {"path": "/"}, "quick")
        assert box.wait("quick")["answer"]["exists"]
        assert "slow-0" not in box.replies
        go_on.set()
        for number in range(3):
            assert box.wait(f"slow-{number}") == {"answer": {"slow": True}}

    def test_more_than_it_can_hold_is_refused_at_once(
        self, here: Here, own_questions: None
    ) -> None:
        go_on = threading.Event()

        @question("slow")
        def slow(here: Here) -> dict[str, Any]:
            go_on.wait(30)
            return {}

        box = Box()
        desk = Desk(here, box.put)
        for number in range(200):
            desk.ask("slow", {}, f"{number}")
        refused = [r for r in box.replies.values() if "error" in r]
        assert len(refused) >= 200 - questions._WAITING - questions._THREADS
        assert error_of(refused[0]["error"]).status == 429
        go_on.set()
        wait_for(lambda: len(box.replies) == 200, "all answers")

    def test_an_answer_that_is_too_big_is_an_error(self, here: Here, own_questions: None) -> None:
        @question("big")
        def big(here: Here) -> dict[str, Any]:
            return {"data": b"x" * (questions.ANSWER_BYTES + 1)}

        box = Box()
        Desk(here, box.put).ask("big", {}, "k")
        assert "ask for less" in box.wait("k")["error"]["message"]


class TestLogs:
    def test_of_a_replica(self, here: Here, settings: Settings) -> None:
        folder = make_folder(f"replica-{KEY[0]}-{KEY[1]}", settings)
        (folder / "output.log").write_text("".join(f"line {n}\n" for n in range(500)))
        reply = answer(here, "logs.tail", {"replica": KEY[0], "lines": 3})
        assert reply["lines"] == ["line 497", "line 498", "line 499"]
        assert reply["folder"] == folder.name
        assert reply["offset"] == reply["size"]
        # Only what came since; a line that is still being written comes with the next question.
        with (folder / "output.log").open("a") as file:
            file.write("line 500\nline 5")
            file.flush()
            more = {"replica": KEY[0], "epoch": KEY[1], "offset": reply["offset"]}
            reply = answer(here, "logs.tail", more)
            assert reply["lines"] == ["line 500"]
            file.write("01\n")
        reply = answer(here, "logs.tail", {**more, "offset": reply["offset"]})
        assert reply["lines"] == ["line 501"]

    def test_reading_on_line_by_line_misses_and_repeats_nothing(
        self, here: Here, settings: Settings
    ) -> None:
        folder = make_folder(f"replica-{KEY[0]}-{KEY[1]}", settings)
        (folder / "output.log").write_text("".join(f"{n} ä\n" for n in range(1000)))
        found: list[str] = []
        offset = 0
        while len(found) < 1000:
            arguments = {"replica": KEY[0], "lines": 77, "offset": offset}
            reply = answer(here, "logs.tail", arguments)
            assert reply["lines"]
            found += reply["lines"]
            offset = reply["offset"]
        assert found == [f"{n} ä" for n in range(1000)]

    def test_a_file_that_was_begun_anew(self, here: Here, settings: Settings) -> None:
        folder = make_folder(f"replica-{KEY[0]}-{KEY[1]}", settings)
        (folder / "output.log").write_text("new\n")
        reply = answer(here, "logs.tail", {"replica": KEY[0], "offset": 10_000})
        assert reply["lines"] == ["new"]

    def test_lines_without_end(self, here: Here, settings: Settings) -> None:
        """A progress bar of two megabytes is cut, not waited for."""
        folder = make_folder(f"replica-{KEY[0]}-{KEY[1]}", settings)
        (folder / "output.log").write_bytes(b"x" * 2_000_000 + b"\nend\n")
        seen, offset = 0, 0
        lines: list[str] = []
        while offset < 2_000_005:
            reply = answer(here, "logs.tail", {"replica": KEY[0], "offset": offset})
            assert reply["offset"] > offset
            lines, offset, seen = reply["lines"], reply["offset"], seen + 1
        assert lines[-1] == "end"
        assert seen < 5

    def test_newest_start_unless_told(self, here: Here, settings: Settings) -> None:
        for epoch in (3, 4):
            folder = make_folder(f"replica-{KEY[0]}-{epoch}", settings)
            (folder / "output.log").write_text(f"epoch {epoch}\n")
            time.sleep(0.005)  # folders are named by the millisecond
        assert answer(here, "logs.tail", {"replica": KEY[0]})["lines"] == ["epoch 4"]
        arguments = {"replica": KEY[0], "epoch": 3}
        assert answer(here, "logs.tail", arguments)["lines"] == ["epoch 3"]

    def test_list_and_tail_of_a_folder(self, here: Here, settings: Settings) -> None:
        folder = make_folder("node", settings)
        (folder / "xplatform.log").write_text("it runs\n")
        [entry] = answer(here, "logs.list", {})["logs"]
        assert (entry["process"], entry["files"]) == ("node", {"log": 8})
        arguments = {"folder": entry["folder"], "file": "log"}
        assert answer(here, "logs.tail", arguments)["lines"] == ["it runs"]
        assert answer(here, "logs.tail", {"file": "log"})["lines"] == ["it runs"]
        assert answer(here, "logs.tail", {})["lines"] == []

    @pytest.mark.parametrize(
        "arguments",
        [
            {"replica": "0b5f"},
            {"replica": "../../etc"},
            {"folder": "../secrets"},
            {"folder": "replica-x_1"},
        ],
    )
    def test_what_is_not_there(
        self, here: Here, settings: Settings, arguments: dict[str, Any]
    ) -> None:
        settings.logs_path.mkdir(exist_ok=True)
        with pytest.raises(errors.NotFound):
            answer(here, "logs.tail", arguments)


class TestPaths:
    def test_file_folder_nothing(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "model.gguf").write_bytes(b"12345")
        (tmp_path / "one").write_bytes(b"123")

        def check(path: Path) -> dict[str, Any]:
            return answer(here, "path.check", {"path": str(path)})

        found = check(tmp_path / "one")
        assert (found["kind"], found["size"], found["readable"]) == ("file", 3, True)
        found = check(tmp_path)
        assert (found["kind"], found["size"], found["readable"]) == ("folder", 8, True)
        found = check(tmp_path / "two")
        assert (found["exists"], found["kind"]) == (False, "")
        assert found["why"] == "No such file or directory"

    @pytest.mark.parametrize("path", ["", "a\0b"])
    def test_no_path(self, here: Here, path: str) -> None:
        with pytest.raises(errors.InvalidValue):
            answer(here, "path.check", {"path": path})


class TestEngines:
    def test_list(self, here: Here) -> None:
        found = {e["name"]: e for e in answer(here, "engines.list", {})["engines"]}
        assert found["fake"]["state"] == "built in"
        assert found["llama.cpp"]["state"] == "missing"
        assert found["llama.cpp"]["installation"] is None

    def test_install_answers_at_once_and_can_be_watched(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()

        def install(name: str, settings: Settings, report: Any) -> Path:
            report("downloading", 0.5, "torch")
            go_on.wait(30)
            raise environments.EnvironmentFailed("no space left")

        monkeypatch.setattr(environments, "install", install)
        monkeypatch.setattr(engines, "_installations", {})
        assert not answer(here, "engines.install", {"name": "llama.cpp"})["installation"]["done"]

        def seen() -> dict[str, Any]:
            entries = answer(here, "engines.list", {})["engines"]
            return next(e["installation"] for e in entries if e["name"] == "llama.cpp")

        wait_for(lambda: seen()["stage"] == "downloading", "progress")
        with pytest.raises(errors.Conflict):
            answer(here, "engines.remove", {"name": "llama.cpp"})
        go_on.set()
        wait_for(lambda: seen()["done"], "its end")
        assert seen()["error"] == "no space left"

    def test_what_is_there_is_not_installed_again(self, here: Here) -> None:
        done = answer(here, "engines.install", {"name": "fake"})["installation"]
        assert (done["done"], done["fraction"], done["error"]) == (True, 1.0, "")

    @pytest.mark.parametrize("which", ["engines.install", "engines.remove"])
    def test_unknown(self, here: Here, which: str) -> None:
        with pytest.raises(errors.NotFound, match=r"llama\.cpp"):
            answer(here, which, {"name": "lama.cpp"})

    def test_remove(self, here: Here, settings: Settings) -> None:
        folder = settings.engines_path / "llama.cpp-1"
        folder.mkdir(parents=True)
        assert answer(here, "engines.remove", {"name": "llama.cpp"}) == {"removed": [str(folder)]}

    def test_environments_of_all_versions(self, here: Here, settings: Settings) -> None:
        old, cut = (settings.engines_path / f"llama.cpp-{name}" for name in ("1", "2"))
        for folder in (old, cut):
            (folder / "bin").mkdir(parents=True)
            (folder / "bin" / "file").write_bytes(b"12345")
        (old / ".complete").write_text("x")

        def seen() -> list[dict[str, Any]]:
            told = answer(here, "engines.environments", {})
            assert told["free"] > 0
            (mine,) = [one for one in told["engines"] if one["name"] == "llama.cpp"]
            assert mine["needs"] > 1 << 20
            return list(mine["environments"])

        one, two = seen()
        assert one == {
            "version": "1", "current": False, "state": "ready", "size": 6, "in_use": False
        }  # fmt: skip
        assert (two["version"], two["state"], two["size"]) == ("2", "partial", None)
        gone = answer(here, "engines.drop", {"name": "llama.cpp", "version": "1"})
        assert gone == {"removed": [str(old)]}
        assert [one["version"] for one in seen()] == ["2"]
        assert answer(here, "engines.drop", {"name": "llama.cpp", "version": "3"})["removed"] == []


def test_processes(here: Here, warden: FakeWarden) -> None:
    start(here.agent, warden)
    here.agent.listing()
    wait_for(
        lambda: here.agent.memory.of(warden.processes[f"replica-{KEY[0]}-{KEY[1]}"].pid).pids,
        "the first measure",
    )
    [entry] = answer(here, "processes", {})["processes"]
    assert (entry["replica"], entry["epoch"], entry["running"]) == (*KEY, True)
    assert entry["memory"] > 0


def test_processes_without_a_warden(settings: Settings, reports: Any) -> None:
    nobody = Here("n1", settings, make_agent(settings, reports))
    with pytest.raises(errors.Internal, match="cannot be reached"):
        answer(nobody, "processes", {})
