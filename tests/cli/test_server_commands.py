"""Every command that asks a server, against a whole one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.support.server import API_KEY, ROOT, Server, serving, wait_for
from xplatform.core.logs import OUTPUT_NAME

pytestmark = [pytest.mark.server, pytest.mark.slow]

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def environment(server: Server, **more: str) -> dict[str, str]:
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("XPLATFORM", "XINFERENCE", "DJANGO"))
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "XPLATFORM_HOME": str(server.home),
        "XDG_CONFIG_HOME": str(server.home / "config"),
        "COLUMNS": "120",
        **more,
    }


@pytest.fixture
def x(server: Server) -> Run:
    def run(*words: str, code: int = 0, stdin: str | None = "", **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "xplatform", *words],
            env=environment(server, **more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def model(x: Run) -> Iterator[str]:
    x("launch", "-u", "spoken", "-en", "fake", "-mp", os.devnull, "--step-ms", "1", "--json")
    yield "spoken"
    x("terminate", "--uid", "spoken")


def data(done: Done) -> Any:
    return json.loads(done.stdout)


# --- launches --------------------------------------------------------------------------------


def test_life_of_a_launch(x: Run, server: Server) -> None:
    done = x(
        "launch", "-u", "life", "-en", "Fake", "-mp", os.devnull, "--slots", "2",
        "--step-ms", "2.5", "--env", "A", "b", "--option", "memory_mb=1",
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].startswith("life is ready after ")
    known = server.launch_state("life")
    assert known["options"] == {"step_ms": 2.5, "memory_mb": 1}
    assert known["slots"] == 2
    assert "life" in x("list", "--names").stdout.split()
    assert "ready" in x("list").stdout
    x("launch", "-u", "life", "-en", "fake", "-mp", os.devnull, code=5)
    assert x("terminate", "-u", "life").stdout.startswith("life is stopped")
    assert "life" not in x("list", "--names").stdout.split()
    x("terminate", "-u", "nobody", code=3)


def test_launch_that_fails_says_why(x: Run) -> None:
    done = x("launch", "-u", "bad", "-en", "fake", "-mp", os.devnull, "--no-such-option", code=1)
    assert "no_such_option" in done.stderr
    x("terminate", "-u", "bad")


def test_launch_with_values_that_make_no_sense(x: Run) -> None:
    assert "Did you mean" in x("launch", "-u", "m", "-en", "fak", "-mp", "/m", code=2).stderr
    assert "belongs to no flag" in x("launch", "-u", "m", "loose", code=2).stderr
    assert "Say what to launch" in x("launch", code=2).stderr
    assert "--gpu-idx 7: no node" in x("launch", "-u", "m", "--gpu-idx", "7", code=2).stderr


def test_launch_is_cancelled_by_interrupt(x: Run, server: Server) -> None:
    words = ["launch", "-u", "slow", "-en", "fake", "-mp", os.devnull, "--load-s", "60"]
    process = subprocess.Popen(
        [sys.executable, "-m", "xplatform", *words, "--on-interrupt", "cancel"],
        env=environment(server), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("loading"):
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The launch of slow is cancelled." in out
    assert server.launch_state("slow")["state"] == "stopped"


def test_interrupt_asks(server: Server) -> None:
    words = ("launch", "-u", "asked", "-en", "fake", "-mp", os.devnull, "--load-s", "60")
    terminal = Terminal(server, *words)
    terminal.read_until("loading")
    terminal.type("\x03")
    terminal.read_until("Stop the launch of asked? [y/N]")
    terminal.type("y\n")
    terminal.read_until("The launch of asked is cancelled.")
    assert terminal.close() == 130
    assert server.launch_state("asked")["state"] == "stopped"


def test_replicas(x: Run, model: str, server: Server) -> None:
    assert "#1" in x("replicas", "-u", model).stdout
    assert data(x("replicas", "-u", model, "--scale", "1-3", "--json"))["max_replicas"] == 3
    assert data(x("replicas", "-u", model, "--add", "1", "--json"))["min_replicas"] == 2

    def ready() -> list[Any]:
        replicas = data(x("replicas", "-u", model, "--json"))["replicas"]
        found = [r for r in replicas if r["state"] == "ready"]
        return found if len(found) == 2 else []

    newest = wait_for(ready, "two replicas", 60)[0]
    x("replicas", "-u", model, "--remove", f"#{newest['epoch']}")
    assert server.launch_state(model)["min_replicas"] == 1
    assert "no replica #99" in x("replicas", "-u", model, "--remove", "#99", code=3).stderr
    assert "--scale" in x("replicas", "-u", model, "--scale", "x", code=2).stderr
    x("reload", "-u", model)
    wait_for(lambda: server.state(model) == "ready", "the new replica", 60)


# --- talking ---------------------------------------------------------------------------------


def test_chat_and_generate_in_pipes(x: Run, model: str) -> None:
    said = x("chat", "-u", model, "hello", "--max-tokens", "5").stdout
    assert said.strip()
    assert said == x("chat", "-u", model, "--max-tokens", "5", stdin="hello").stdout
    assert said == x("chat", "-u", model, "hello", "--max-tokens", "5", "--stream", "no").stdout
    whole = data(x("chat", "-u", model, "hello", "--max-tokens", "5", "--json"))
    assert whole["choices"][0]["message"]["content"] == said.rstrip("\n")
    assert x("generate", "-u", model, "Once", "--max-tokens", "5").stdout.strip()
    assert "choices" in data(x("generate", "-u", model, "Once", "--json"))
    assert "no message" in x("chat", "-u", model, code=2).stderr
    x("chat", "-u", "nobody", "hello", code=3)


class Terminal:
    """A person at a terminal."""

    def __init__(self, server: Server, *words: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xplatform", *words],
            env=environment(server, TERM="dumb"),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            # Its own terminal, so that Ctrl-C reaches it.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def read_until(self, text: str, timeout: float = 60.0) -> str:
        """What came until this text, itself included."""
        deadline = time.monotonic() + timeout
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if select.select([self._master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode(errors="replace")
                except OSError:
                    assert text in self.seen, self.seen
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> int:
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._master)


def test_a_conversation(server: Server, model: str, tmp_path: Path) -> None:
    saved = tmp_path / "talk.json"
    terminal = Terminal(server, "chat", "-u", model, "--max-tokens", "4", "--system", "Be brief.")
    terminal.read_until("> ")
    terminal.type("hello\n")
    terminal.read_until("\r\n> ")
    terminal.type('"""two\nlines"""\n')
    terminal.read_until("\r\n> ")
    terminal.type(f"/save {saved}\n")
    terminal.read_until("5 messages are in")
    terminal.read_until("> ")
    terminal.type("/nonsense\n")
    terminal.read_until("is no command")
    terminal.type("/help\n")
    terminal.read_until("/retry")
    terminal.type("/retry\n/clear\n")
    terminal.read_until("Forgotten.")
    terminal.type("/exit\n")
    assert terminal.close() == 0
    talk = json.loads(saved.read_text())
    assert [m["role"] for m in talk] == ["system", "user", "assistant", "user", "assistant"]
    assert talk[3]["content"] == "two\nlines"
    history = server.home / "config" / "xplatform" / "chat_history"
    assert "hello" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


def test_progress_is_drawn_on_a_terminal(server: Server, x: Run) -> None:
    words = ("launch", "-u", "drawn", "-en", "fake", "-mp", os.devnull, "--load-s", "1")
    terminal = Terminal(server, *words)
    terminal.read_until("█")
    terminal.read_until("drawn is ready after")
    assert terminal.close() == 0
    x("terminate", "-u", "drawn")


# --- watching --------------------------------------------------------------------------------


def test_events(x: Run, model: str) -> None:
    shown = x("events", "-u", model, "--last", "3").stdout.splitlines()
    assert len(shown) == 3
    assert "loading → ready" in shown[-1]
    found = data(x("events", "-u", model, "--json"))
    assert [event["id"] for event in found] == sorted(event["id"] for event in found)
    assert data(x("events", "--after", str(found[-1]["id"]), "-u", model, "--json")) == []


@contextlib.contextmanager
def following(server: Server, *words: str) -> Iterator[list[str]]:
    """The lines that come, until Ctrl-C at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "xplatform", *words, "--follow"],
        env=environment(server), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    lines: list[str] = []
    out = process.stdout
    assert out is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(out.readline, "")))
    reader.start()
    try:
        yield lines
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        reader.join()
        out.close()
    assert process.returncode == 130


def test_events_are_followed(x: Run, server: Server) -> None:
    with following(server, "events", "-u", "watched", "--json") as lines:
        x("launch", "-u", "watched", "-en", "fake", "-mp", os.devnull)
        x("terminate", "-u", "watched")

        def last() -> bool:
            return bool(lines) and json.loads(lines[-1])["after"] == "stopped"

        wait_for(last, "the last event", 60)
        ids = [json.loads(line)["id"] for line in lines]
        assert ids == sorted(set(ids))


def test_logs(x: Run, model: str, server: Server) -> None:
    page = data(x("logs", "-u", model, "--file", "log", "--json"))
    assert page["node"] == "local"
    assert page["replica"]
    folders = [log["folder"] for log in data(x("logs", "--node", "local", "--list", "--json"))]
    assert page["folder"] in folders
    assert page["folder"] in x("logs", "--node", "local", "--list").stdout
    control = next(folder for folder in folders if folder.startswith("control_"))
    assert x("logs", "--node", "local", "--folder", control, "--file", "log").returncode == 0
    assert "--uid" in x("logs", code=2).stderr
    x("logs", "-u", "nobody", code=3)
    x("logs", "--node", "nowhere", code=3)


def test_logs_are_followed(x: Run, server: Server, model: str) -> None:
    replica = server.launch_state(model)["replicas"][0]
    folder = next((server.home / "logs").glob(f"replica-{replica['id']}-*"))
    with following(server, "logs", "-u", model) as lines:

        def heard() -> bool:
            with (folder / OUTPUT_NAME).open("a") as written:
                written.write("a line that came late\n")
            return "a line that came late\n" in lines

        wait_for(heard, "the line", 60)


# --- machines --------------------------------------------------------------------------------


def test_status_and_nodes(x: Run, server: Server) -> None:
    assert server.base in x("status").stdout
    assert data(x("status", "--json"))["nodes"][0]["name"] == "local"
    assert x("nodes").stdout.splitlines()[1].startswith("local")
    assert data(x("nodes", "--json"))[0]["state"] == "up"
    assert "DEVICE" in x("nodes", "show", "local").stdout
    assert x("nodes", "labels", "local", "zone=a", "rack=7").stdout == "zone=a\nrack=7\n"
    assert x("nodes", "labels", "local", "zone=").stdout == "rack=7\n"
    x("nodes", "labels", "local", "zone", code=2)
    x("nodes", "cordon", "local")
    assert "cordoned" in x("nodes").stdout
    x("nodes", "drain", "local")
    assert "draining" in x("nodes").stdout
    x("nodes", "uncordon", "local")
    assert "up " in x("nodes").stdout
    x("nodes", "cordon", "nowhere", code=3)
    x("nodes", "remove", "nowhere", code=3)


def test_join_tokens(x: Run) -> None:
    made = data(x("nodes", "token", "create", "--name", "rack 7", "--json"))
    assert made["token"] in x("nodes", "token", "create").stdout or made["token"]
    assert "rack 7" in x("nodes", "token", "list").stdout
    assert data(x("nodes", "token", "create", "gpu-1", "--json"))["name"] == "gpu-1"
    x("nodes", "token", "revoke", str(made["id"]))
    states = {t["id"]: t["state"] for t in data(x("nodes", "token", "list", "--json"))}
    assert states[made["id"]] == "revoked"
    x("nodes", "token", "revoke", code=2)


# --- models and files ------------------------------------------------------------------------

FAMILY = {
    "name": "my-model",
    "kind": "llm",
    "abilities": ["chat"],
    "specs": [
        {
            "format": "ggufv2",
            "size": "1",
            "quantizations": ["Q8_0"],
            "repositories": [{"hub": "path", "id": str(ROOT / "apps/models/demo/demo.gguf")}],
        }
    ],
}


def test_registrations(x: Run, tmp_path: Path) -> None:
    file = tmp_path / "family.json"
    file.write_text(json.dumps(FAMILY))
    assert "my-model is registered (version 1)" in x("register", "-f", str(file)).stdout
    assert "my-model" in x("registrations", "--own").stdout
    x("register", "-f", str(file), code=5)
    edited = data(x("register", "-f", str(file), "--edit", "--json"))
    assert edited["version"] == 2
    file.write_text(json.dumps({**FAMILY, "specs": [{"format": "paper"}]}))
    assert "format" in x("register", "-f", str(file), "--edit", code=2).stderr
    x("register", "-f", str(tmp_path / "none.json"), code=3)
    x("unregister", "-n", "my-model")
    x("unregister", "-n", "my-model", code=3)


def test_the_catalogue_is_searched(x: Run) -> None:
    found = data(x("registrations", "-t", "LLM", "qwen3", "--json"))["catalogue"]
    assert found
    assert {family["kind"] for family in found} == {"llm"}
    assert "qwen3" in x("registrations", "-t", "LLM", "qwen3").stdout


def test_registration_in_the_form_of_xinference(x: Run, tmp_path: Path) -> None:
    file = tmp_path / "theirs.json"
    theirs = {
        "version": 2,
        "model_name": "theirs",
        "model_lang": ["en"],
        "model_ability": ["chat"],
        "context_length": 2048,
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 1,
                "quantization": "Q4_K_M",
                "model_id": "somebody/theirs-GGUF",
                "model_file_name_template": "theirs-{quantization}.gguf",
                "model_uri": str(tmp_path),
            }
        ],
    }
    file.write_text(json.dumps(theirs))
    assert "--model-type" in x("register", "-f", str(file), code=2).stderr
    x("register", "-t", "LLM", "-f", str(file))
    assert "theirs" in x("registrations", "--own").stdout
    x("unregister", "-t", "LLM", "-n", "theirs")


def test_memory_is_estimated(x: Run) -> None:
    words = ("cal-model-mem", "-n", "qwen3", "-s", "0_6", "-f", "ggufv2", "-q", "Q4_K_M")
    found = data(x(*words, "-c", "4096", "--slots", "2", "--json"))
    assert (found["context_length"], found["slots"]) == (4096, 2)
    llama = next(row for row in found["engines"] if row["engine"] == "llama.cpp")
    assert llama["quantization"] == "Q4_K_M"
    estimate = llama["estimate"]
    assert estimate["total"] >= estimate["weights"] + estimate["cache"] > 0
    longer = data(x(*words, "-c", "8192", "--slots", "2", "--json"))["engines"]
    more = next(row for row in longer if row["engine"] == "llama.cpp")["estimate"]
    assert more["cache"] > estimate["cache"]
    text = x(*words).stdout
    assert "0.6-ggufv2-Q4_K_M" in text
    assert "vllm: " in text
    x("cal-model-mem", "-n", "qwen333", code=2)
    x("cal-model-mem", code=2)


def test_memory_of_a_file(x: Run) -> None:
    """Its facts are read by the node that has it."""
    found = data(x("cal-model-mem", "-mp", "builtin:demo", "--json"))
    llama = next(row for row in found["engines"] if row["engine"] == "llama.cpp")
    assert llama["estimate"]["weights"] > 0
    assert not llama["estimate"].get("rough")
    x("cal-model-mem", "-mp", "/no/such/file", code=2)


def test_engines_of_a_model(x: Run) -> None:
    found = data(x("engine", "-n", "qwen3", "-t", "LLM", "--json"))
    assert isinstance(found["llama.cpp"], list)
    assert "not in this version" in found["vLLM"]
    shown = x("engine", "-n", "qwen3", "-f", "ggufv2", "-s", "0_6").stdout
    assert "llama.cpp" in shown
    assert "pytorch" not in shown.partition("vLLM:")[0]
    x("engine", "-n", "nothing", code=3)
    assert "qwen3" in x("vllm-models").stdout.split()


def test_files(x: Run, server: Server) -> None:
    """Nothing is fetched from outside in a test: the place is a file of this machine."""
    assert "No node keeps" in x("cached").stdout
    assert "Nothing is being" in x("download").stdout
    assert data(x("cached", "--json")) == []
    assert "Say what" in x("remove-cache", code=2).stderr
    x("remove-cache", "--id", "none", "-y", code=3)
    x("download", "--pause", "none", code=3)
    x("cached", "--node", "nowhere", code=3)


# --- getting in ------------------------------------------------------------------------------


def test_login(x: Run, server: Server, tmp_path: Path) -> None:
    place = {"XDG_CONFIG_HOME": str(tmp_path), "XPLATFORM_HOME": str(tmp_path / "elsewhere")}
    x("list", code=6, **place)
    x("login", "-e", server.base, "-ak", "xp-wrong", code=4, **place)
    x("list", code=6, **place)
    x("login", "-e", server.base, stdin=API_KEY + "\n", **place)
    file = tmp_path / "xplatform" / "logins.json"
    assert file.stat().st_mode & 0o077 == 0
    assert "demo" in x("list", **place).stdout
    # The home that somebody names is the one that is meant.
    x("list", "--home", str(tmp_path / "elsewhere"), code=6, **place)
    x("logout", **place)
    assert API_KEY not in file.read_text()
    x("list", "-e", server.base, code=4, **place)


def test_login_by_password(x: Run, server: Server, tmp_path: Path) -> None:
    place = {"XDG_CONFIG_HOME": str(tmp_path), "XPLATFORM_HOME": str(tmp_path / "elsewhere")}
    words = ("login", "-e", server.base, "--username", "admin")
    x(*words, stdin="wrong\n", code=4, **place)
    x(*words, stdin="test-admin-password-1\n", **place)
    assert "demo" in x("list", **place).stdout
    # Whose time is over is renewed without a word.
    file = tmp_path / "xplatform" / "logins.json"
    first = json.loads(file.read_text())
    held = first["renewals"][server.base]
    held["expires"] = 0
    file.write_text(json.dumps(first))
    assert "demo" in x("list", **place).stdout
    renewed = json.loads(file.read_text())["renewals"][server.base]
    assert renewed["refresh_token"] != held["refresh_token"]
    assert server.get("/api/me", key=renewed["access_token"]).status == 200
    x("logout", **place)
    assert server.get("/api/me", key=renewed["access_token"]).status == 401


def test_login_with_a_one_time_code(x: Run, server: Server, tmp_path: Path) -> None:
    place = {"XDG_CONFIG_HOME": str(tmp_path), "XPLATFORM_HOME": str(tmp_path / "elsewhere")}
    proof = {"password": "a much better one 42"}
    body = {"username": "otto", "is_superuser": True, **proof}
    assert server.post("/api/users", body).status == 201
    token = server.post("/token", {"username": "otto", **proof}, key=None).json()["access_token"]
    factor = "/api/me/second-factor/authenticator"
    app = pyotp.TOTP(server.post(factor, proof, key=token).json()["secret"])
    made = server.post(f"{factor}/confirm", {"code": app.now()}, key=token).json()
    one, two, *_ = made["recovery_codes"]
    words = ("login", "-e", server.base, "--username", "otto")
    told = x(*words, stdin=f"{proof['password']}\n", code=4, **place)
    assert "second factor" in told.stderr
    x(*words, stdin=f"{proof['password']}\n{one}\n", **place)
    assert "demo" in x("list", **place).stdout
    x(*words, "--otp", two, stdin=f"{proof['password']}\n", **place)
    x(*words, "--otp", two, stdin=f"{proof['password']}\n", code=4, **place)


def test_endpoint_by_the_environment(x: Run, server: Server, tmp_path: Path) -> None:
    for name in ("XPLATFORM_ENDPOINT", "XINFERENCE_ENDPOINT"):
        place = {name: server.base, "XPLATFORM_HOME": str(tmp_path), "XPLATFORM_API_KEY": API_KEY}
        assert "demo" in x("list", **place).stdout


# --- without a server between ----------------------------------------------------------------


def test_operators_commands(x: Run, server: Server) -> None:
    words = ("launch_model", "-u", "operated", "-en", "fake", "-mp", os.devnull)
    assert "operated is being launched." in x(*words, "--option", "step_ms=1").stdout
    wait_for(lambda: server.state("operated") == "ready", "the launch", 60)
    found = [(launch["uid"], launch["state"]) for launch in data(x("list_launches", "--json"))]
    answer = server.get("/api/launches").json()
    assert found == [(launch["uid"], launch["state"]) for launch in answer]
    assert "operated" in x("list_launches").stdout
    assert "by manage.py" in x("list_events", "--uid", "operated").stdout
    assert x("list_nodes").stdout.splitlines()[1].startswith("local")
    x("set_node", "local", "cordon")
    assert data(x("list_nodes", "--json"))[0]["cordoned"] is True
    x("set_node", "local", "uncordon")
    x("set_node", "nowhere", "drain", code=3)
    assert "There is none." in x("list_registrations").stdout
    assert "No node keeps" in x("list_cached").stdout
    assert "operated is stopped" in x("terminate_model", "operated").stdout
    x("terminate_model", "nobody", code=3)
    x(*words[:-1], code=2)


def test_stop_cluster() -> None:
    with serving() as server:
        words = [sys.executable, "-m", "xplatform", "stop-cluster"]
        place = environment(server)
        asked = subprocess.run(words, env=place, stdin=subprocess.DEVNULL, timeout=60)
        assert asked.returncode == 2
        done = subprocess.run([*words, "--yes"], env=place, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == 0
        assert server.process is not None
        assert server.process.wait(60) == 0
