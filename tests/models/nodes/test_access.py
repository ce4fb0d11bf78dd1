"""What a machine that joined can do at the embedded broker, and what it cannot. A real Valkey with
the configuration that the warden writes."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection

from apps.models.nodes import access
from tests.support.server import free_port, wait_for
from xplatform.core import errors, transport
from xplatform.core.config import Settings
from xplatform.core.queues import answer_key
from xplatform.warden import broker

Restart = Callable[[], None]


class Embedded:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(broker.prepare(self.settings))
        wait_for(lambda: broker.answers(self.settings), "the broker")

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ours(self) -> redis.Redis:
        return redis.Redis.from_url(self.settings.embedded_broker_url)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Embedded]:
    with tempfile.TemporaryDirectory(prefix="xp-") as home:
        settings = Settings(home=home, broker_listen=f"127.0.0.1:{free_port()}")
        settings.run_path.mkdir()
        made = Embedded(settings)
        made.start()
        yield made
        made.stop()


@pytest.fixture
def granted(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(access, "settings", lambda: embedded.settings)
    broker_url, channels_url = access.grant("n1", "web.example")
    assert broker_url == channels_url
    assert broker_url.endswith(f"@{embedded.settings.broker_listen}/0")
    return broker_url


def test_the_work_of_a_node(embedded: Embedded, granted: str) -> None:
    """With Celery's own transport: take orders, report, take requests, send some back."""
    transport.install()
    options = {"global_keyprefix": "xp:", "ack_emulation": False}
    with Connection(granted, transport_options=options) as connection:
        for name in ("node.n1", "model.demo", "replica.0b5f-1", "control"):
            queue = connection.SimpleQueue(name)
            queue.put({"to": name})
            assert queue.get(timeout=5).payload == {"to": name}
            queue.close()
    client = redis.Redis.from_url(granted)
    with client.pipeline() as pipe:
        pipe.lpush(answer_key("n1", "ticket"), b"answer")
        pipe.expire(answer_key("n1", "ticket"), 60)
        pipe.execute()
    assert embedded.ours().rpop(answer_key("n1", "ticket")) == b"answer"
    listener = embedded.ours().pubsub()
    listener.subscribe("xpspecific.web!1")
    assert client.publish("xpspecific.web!1", b"frame") == 1
    own = client.pubsub()
    own.subscribe("xp.replica.0b5f.1")
    assert own.get_message(timeout=5) is not None


@pytest.mark.parametrize(
    "command",
    [
        ("LPUSH", "xp:node.n2", "an order"),
        ("BRPOP", "xp:node.n2", "1"),
        ("LPUSH", answer_key("n2", "ticket"), "a lie"),
        ("GET", "somebody:elses"),
        ("PUBLISH", "other.channel", "x"),
        ("PSUBSCRIBE", "*"),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("ACL", "SETUSER", "node-n1", "allkeys"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("EVAL", "return 1", "0"),
        ("SHUTDOWN",),
        ("MONITOR",),
        ("CLIENT", "LIST"),
        ("SORT", "xp:model.demo"),
        ("SAVE",),
    ],
    ids=" ".join,
)
def test_what_it_may_not(granted: str, command: tuple[str, ...]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        redis.Redis.from_url(granted).execute_command(*command)


def test_a_new_password_each_time(embedded: Embedded, granted: str) -> None:
    again, _ = access.grant("n1", "web.example")
    assert again != granted
    assert redis.Redis.from_url(again).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(granted).ping()


def test_without_a_password(embedded: Embedded) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(f"redis://{embedded.settings.broker_listen}/0").ping()


def test_withdrawn_means_cut_off(embedded: Embedded, granted: str) -> None:
    client = redis.Redis.from_url(granted, retry=None)
    assert client.ping()
    connection = client.connection_pool.get_connection()
    access.withdraw(["n1", "never-joined"])
    # What is connected ends, and nothing new begins.
    with pytest.raises((redis.ConnectionError, redis.AuthenticationError)):
        connection.send_command("PING")
        connection.read_response()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(granted).ping()


def test_it_survives_a_restart_of_the_broker(embedded: Embedded, granted: str) -> None:
    gone, _ = access.grant("n2", "")
    access.withdraw(["n2"])
    embedded.stop()
    embedded.start()
    assert redis.Redis.from_url(granted).ping()
    assert embedded.ours().ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(gone).ping()
    kept = (embedded.settings.home_path / "secrets" / "broker.acl").read_text()
    password = granted.split(":")[2].split("@", maxsplit=1)[0]
    assert "user node-n1 " in kept
    assert password not in kept


class TestOtherBrokers:
    @pytest.fixture(autouse=True)
    def nothing_is_administered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def administer(command: list[str]) -> None:
            raise AssertionError(command)

        monkeypatch.setattr(access, "_administer", administer)

    def test_outside_ones_are_handed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outside = Settings(broker="redis://:p@broker:6379/0")
        monkeypatch.setattr(access, "settings", lambda: outside)
        assert access.grant("n1", "web") == (outside.broker, outside.broker)
        rabbit = Settings(broker="amqp://u:p@rabbit", channels="redis://:p@streams:6379/0")
        monkeypatch.setattr(access, "settings", lambda: rabbit)
        assert access.grant("n1", "web") == (rabbit.broker, rabbit.channels)
        access.withdraw(["n1"])

    @pytest.mark.parametrize("broker", ["", "unix:///run/redis.sock"])
    def test_a_socket_cannot_be_reached_from_elsewhere(
        self, monkeypatch: pytest.MonkeyPatch, broker: str, tmp_path: Path
    ) -> None:
        local = Settings(home=str(tmp_path), broker=broker)
        monkeypatch.setattr(access, "settings", lambda: local)
        with pytest.raises(errors.Conflict, match="no other machine can"):
            access.grant("n1", "web")


@pytest.mark.parametrize(
    ("listen", "host", "reached"),
    [
        ("0.0.0.0:6380", "web.example", "web.example:6380"),
        ("[::]:6380", "fd00::1", "[fd00::1]:6380"),
        ("10.0.0.7:6380", "web.example", "10.0.0.7:6380"),
    ],
)
def test_the_address_that_machines_get(
    monkeypatch: pytest.MonkeyPatch, listen: str, host: str, reached: str
) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr(access, "settings", lambda: Settings(broker_listen=listen))
    monkeypatch.setattr(access, "_administer", said.append)
    url, _ = access.grant("gpu.1", host)
    assert url.partition("@")[2] == f"{reached}/0"
    assert said[0][:2] == ["SETUSER", "node-gpu.1"]
