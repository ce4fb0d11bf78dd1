"""Start, stop, and what is said about it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.warden.conftest import Warden, free_port, until


def test_says_where_it_is_and_how_to_get_in(warden: Warden) -> None:
    warden.start()
    text = warden.text()
    base = f"http://127.0.0.1:{warden.port}"
    assert f"xplatform is ready at {base}" in text
    assert f"{base}/ui/   user admin, password first-password (shown this once)" in text
    assert "API key   xp-first-key (shown this once)" in text
    assert '-H "Authorization: Bearer xp-first-key"' in text
    warden.process.terminate()  # type: ignore[union-attr]
    assert warden.code() == 0
    assert "Stopped after" in warden.text()
    assert warden.processes() == {}

    warden.start(STAND_IN_SETUP="again")
    assert "xp-first-key" not in warden.text()
    assert "Bearer $XPLATFORM_API_KEY" in warden.text()
    assert "first-password" not in warden.text()


def test_key_and_password_are_in_no_log(warden: Warden) -> None:
    warden.start()
    for file in warden.home.rglob("*.log"):
        assert "xp-first-key" not in file.read_text()
        assert "first-password" not in file.read_text()


def test_secrets_are_on_no_command_line_and_in_no_environment(warden: Warden) -> None:
    warden.start(XPLATFORM_ADMIN_PASSWORD="top-secret", XPLATFORM_API_KEY="xp-of-mine-0123456789")
    broker = (warden.home / "secrets" / "broker").read_text()
    processes = warden.processes()
    assert len(processes) == 3  # broker, web, control
    for pid, line in processes.items():
        environment = Path(f"/proc/{pid}/environ").read_text()
        for secret in ("top-secret", "xp-of-mine", broker):
            assert secret not in line
            assert secret not in environment
    assert stat.S_IMODE((warden.home / "run" / "settings.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((warden.home / "run" / "broker.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE((warden.home / "run" / "warden.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE((warden.home / "run").stat().st_mode) == 0o700


def test_settings_with_secrets_are_gone_after_the_end(warden: Warden) -> None:
    warden.start()
    warden.process.terminate()  # type: ignore[union-attr]
    assert warden.code() == 0
    assert not (warden.home / "run" / "settings.json").exists()


def test_broker_asks_for_its_password(warden: Warden) -> None:
    import redis

    warden.start()
    path = str(warden.home / "run" / "broker.sock")
    with redis.Redis(unix_socket_path=path) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    password = (warden.home / "secrets" / "broker").read_text()
    with redis.Redis(unix_socket_path=path, password=password) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("save")["save"] == ""


def test_accepted_connections_have_nodelay(warden: Warden) -> None:
    """asyncio sets it where the socket names its protocol; the stand-in shows that it does."""
    warden.start()
    pid = warden.pid_of("stand_in.py web")
    check = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); "
        "print(s.proto == socket.IPPROTO_TCP)"
    )
    line = warden.processes()[pid]  # type: ignore[index]
    fd = int(line.split("--fd ")[1].split()[0])
    with socket.create_server(("127.0.0.1", 0)) as other:
        answer = subprocess.run(
            [sys.executable, "-c", check, str(other.fileno())],
            pass_fds=(other.fileno(),),
            capture_output=True,
            text=True,
        )
    assert answer.stdout.strip() == "True"
    assert fd > 2


def test_second_server_on_the_same_home(warden: Warden, tmp_path: Path) -> None:
    warden.start()
    other = Warden(warden.home)
    other.output = tmp_path / "other.out"
    other.run()
    assert other.code() == 2
    assert other.text().strip() == (
        f"xplatform: A server is running on the home folder {warden.home} already (process "
        f"{warden.pid}, http://127.0.0.1:{warden.port}); stop it, or choose another home with "
        "--home."
    )
    assert warden.get("/readyz")


def test_port_taken(warden: Warden) -> None:
    with socket.create_server(("127.0.0.1", warden.port)):
        began = time.monotonic()
        warden.run()
        assert warden.code() == 2
        assert time.monotonic() - began < 3
    assert warden.text().strip() == (
        f"xplatform: Port {warden.port} on 127.0.0.1 is in use by another program; "
        "choose another one with --port or XPLATFORM_PORT."
    )
    # The failed start left no lock.
    warden.start()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--port", "99999"], "--port is '99999': expected `int` <= 65535."),
        (["--host", "no.such.host.invalid"], "The host 'no.such.host.invalid' cannot be resolved"),
        (["--host", "203.0.113.7"], "203.0.113.7 is no address of this machine"),
        (["--broker", "kafka://x"], "--broker does not start with one of redis://"),
        (["--channels", "amqp://x"], "--channels does not start with one of redis://"),
        (["--database", "mysql://x"], "--database does not start with postgres://"),
        (["--config", "/nowhere.toml"], "The config file /nowhere.toml does not exist."),
        (["--server", "gunicorn"], "--server is 'gunicorn'"),
    ],
)
def test_bad_settings_get_one_sentence(warden: Warden, flags: list[str], sentence: str) -> None:
    warden.run(*flags)
    assert warden.code() == 2
    assert sentence in warden.text()
    assert len(warden.text().strip().splitlines()) == 1


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing/here")):
        warden = Warden(home)
        warden.output = tmp_path / "out"
        warden.run()
        assert warden.code() == 2
        assert warden.text().startswith(f"xplatform: Cannot write to the home folder {home} (")
        assert len(warden.text().splitlines()) == 1


def test_setup_that_fails_stops_the_start(warden: Warden) -> None:
    warden.run(STAND_IN_SETUP="fail")
    assert warden.code() == 1
    assert "The database cannot be prepared: the database is on fire." in warden.text()
    assert "Traceback" not in warden.text()
    assert warden.processes() == {}
    warden.run(STAND_IN_SETUP="garbage")
    assert warden.code() == 1
    assert "The set-up gave no proper answer" in warden.text()


def test_long_home_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    warden = Warden(tmp_path / ("x" * 90))
    try:
        warden.start()
        assert not (warden.home / "run" / "broker.sock").exists()
        warden.process.terminate()  # type: ignore[union-attr]
        assert warden.code() == 0
    finally:
        warden.end()


def test_node_needs_a_broker(warden: Warden) -> None:
    warden.run(command="node")
    assert warden.code() == 2
    assert "A node needs the broker of its cluster" in warden.text()
    warden.run("--broker", "amqp://guest@localhost", command="node")
    assert warden.code() == 2
    assert "needs the cluster's Redis for token streams" in warden.text()


def test_node_runs_an_agent_only(warden: Warden) -> None:
    warden.run("--broker", "redis://u:pass-word@127.0.0.1:1", "--name", "n7", command="node")
    until(lambda: warden.pid_of("node-agent"))
    until(lambda: "Node n7 joins redis://u:…@127.0.0.1:1" in warden.text())
    assert len(warden.processes()) == 1
    assert warden.client().list() == []
    warden.process.send_signal(signal.SIGINT)  # type: ignore[union-attr]
    assert warden.code() == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_running_requests_finish_before_the_end(warden: Warden, sig: signal.Signals) -> None:
    warden.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{warden.port}/slow?n=20", timeout=30) as answer:
        assert answer.read(1) == b"."
        os.kill(warden.pid, sig)
        assert answer.read().startswith(b"." * 19)
    assert warden.code() == 0
    assert warden.processes() == {}


def test_all_ends_within_ten_seconds_whatever_they_do(warden: Warden) -> None:
    warden.start(STAND_IN_WEB="stubborn", STAND_IN_CONTROL="stubborn")
    warden.client().start("replica-a", [sys.executable, "-c", _STUBBORN])
    time.sleep(0.3)
    began = time.monotonic()
    os.kill(warden.pid, signal.SIGTERM)
    assert warden.code(15) == 0
    assert time.monotonic() - began < 10
    assert warden.processes() == {}


def test_nohup_outlives_its_terminal(warden: Warden) -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        warden.start()
    finally:
        signal.signal(signal.SIGHUP, old)
    os.kill(warden.pid, signal.SIGHUP)
    time.sleep(0.5)
    assert not warden.ended()
    assert warden.get("/readyz")


def test_children_may_open_many_files(warden: Warden) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
    try:
        warden.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = Path(f"/proc/{warden.pid_of('stand_in.py web')}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(line.split()[3]) == (65536 if hard == -1 else min(65536, hard))


def test_second_ctrl_c_ends_at_once(warden: Warden) -> None:
    warden.start(STAND_IN_WEB="stubborn", STAND_IN_CONTROL="stubborn")
    began = time.monotonic()
    os.kill(warden.pid, signal.SIGINT)
    time.sleep(0.5)
    assert not warden.ended()
    os.kill(warden.pid, signal.SIGINT)
    assert warden.code() == 0
    assert time.monotonic() - began < 2.5
    assert warden.processes() == {}


def test_no_client_waits_in_vain_while_it_stops(warden: Warden) -> None:
    warden.start()
    slow = threading.Thread(target=lambda: warden.get("/slow?n=20"))
    slow.start()
    time.sleep(0.3)
    os.kill(warden.pid, signal.SIGTERM)
    time.sleep(0.5)
    with pytest.raises(OSError, match="refused"):
        warden.get("/readyz")
    slow.join()
    assert warden.code() == 0


def test_ctrl_c_during_the_start(warden: Warden) -> None:
    warden.run()
    until(lambda: warden.pid_of("stand_in.py") or warden.pid_of("valkey"))
    os.kill(warden.pid, signal.SIGINT)
    assert warden.code() == 0
    assert warden.processes() == {}


def test_several_web_processes_share_the_port(warden: Warden) -> None:
    warden.start("--web-processes", "2")
    until(lambda: sum("stand_in.py web" in line for line in warden.processes().values()) == 2)
    assert {path.name.split("_")[0] for path in (warden.home / "logs").iterdir()} >= {
        "web-1", "web-2", "control", "broker", "setup", "warden",
    }  # fmt: skip


def test_terminal_that_nobody_reads(warden: Warden, tmp_path: Path) -> None:
    """A pipe without a reader's interest must not stop the warden, nor one that was closed."""
    warden.port = free_port()
    words = [sys.executable, "-m", "xplatform", "version"]
    assert subprocess.run(words, stdout=subprocess.DEVNULL).returncode == 0
    warden.start()
    for _ in range(30):
        warden.get("/spew")
    # Only so many lines of a child reach the console; all of them reach its file.
    assert warden.text().count("web: xxx") == 20
    logs = list((warden.home / "logs").glob("web_*/output.log"))
    assert sum(file.read_text().count("xxx\n") for file in logs) == 30


_STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
