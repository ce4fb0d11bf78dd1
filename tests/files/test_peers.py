"""Copies between nodes: two homes, and the hub in between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import requests

from tests.files.conftest import BIG, QUICK, SMALL, content
from tests.files.hub import Hub
from xplatform.core.config import ConfigError, Settings, save_settings
from xplatform.core.errors import HubUnavailable
from xplatform.files import Files, Pictures, Source
from xplatform.files.peer_address import peer_url
from xplatform.files.peer_server import PeerServer

TOKEN = "nodes-only"


@pytest.fixture
def first(make_settings: Callable[..., Settings], tmp_path: Path) -> Settings:
    """A node that has both models."""
    settings = make_settings(home=str(tmp_path / "first"), peer_token=TOKEN)
    files = Files(settings, QUICK)
    files.ensure(SMALL)
    files.ensure(BIG)
    return settings


@pytest.fixture
def server(first: Settings) -> Iterator[PeerServer]:
    server = PeerServer(first, host="127.0.0.1", port=0)
    yield server
    server.close()


@pytest.fixture
def url(server: PeerServer) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def second(
    make_settings: Callable[..., Settings], tmp_path: Path, url: str, hub: Hub
) -> Callable[..., Files]:
    hub.sent.clear()

    def make(**changes: object) -> Files:
        given = {"home": str(tmp_path / "second"), "peer_token": TOKEN, "peers": url}
        return Files(make_settings(**{**given, **changes}), QUICK)

    return make


def test_files_come_from_the_node_that_has_them(hub: Hub, second: Callable[..., Files]) -> None:
    files = second()
    assert files.ensure(BIG).read_bytes() == hub.repos["acme/big"]["model.gguf"]
    path = files.ensure(SMALL)
    assert (path / "model.safetensors").read_bytes() == content(300_000)
    assert hub.sent == {}


def test_an_order_may_name_the_node(hub: Hub, second: Callable[..., Files], url: str) -> None:
    second(peers="").ensure(BIG, peers=[url])
    assert hub.sent == {}


def test_what_a_node_lacks_comes_from_the_hub(hub: Hub, second: Callable[..., Files]) -> None:
    path = second().ensure(Source("huggingface", "acme/big", files=("*",)))
    assert (path / "config.json").read_bytes() == b"{}"
    assert dict(hub.sent) == {"config.json": 2}


def test_a_copy_that_is_damaged_there_is_not_taken(
    hub: Hub, first: Settings, second: Callable[..., Files]
) -> None:
    damaged = content(6 << 20, 99)
    [path] = first.models_path.rglob("model.gguf")
    path.write_bytes(damaged)
    assert second().ensure(BIG).read_bytes() == hub.repos["acme/big"]["model.gguf"]


@pytest.mark.parametrize("why", ["away", "token", "gone"])
def test_a_node_that_does_not_give_is_no_obstacle(
    hub: Hub, first: Settings, second: Callable[..., Files], why: str
) -> None:
    if why == "gone":
        # Between its offer and the copy.
        files = second()
        original = requests.Session.get

        def get(*args: object, **more: object) -> requests.Response:
            answer = original(*args, **more)  # type: ignore[arg-type]
            for path in first.models_path.rglob("model.gguf"):
                path.unlink()
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "get", get)
            path = files.ensure(BIG)
    else:
        changes = {"peers": "http://127.0.0.1:9"} if why == "away" else {"peer_token": "other"}
        path = second(**changes).ensure(BIG)
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert hub.sent["model.gguf"] == 6 << 20


def test_a_node_without_the_token_leaves_those_of_the_order_alone(
    hub: Hub, second: Callable[..., Files], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = second(peer_token="", peers="").ensure(BIG, peers=[url])
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert "the node at" not in caplog.text  # it was not even asked


def test_its_address_is_told_with_its_files(first: Settings) -> None:
    open_ = msgspec.structs.replace(first, peer_port=9998, channels="redis://127.0.0.1:6379/0")
    url = peer_url(open_)
    host = urlsplit(url).hostname
    assert urlsplit(url).port == 9998
    assert host not in (None, "127.0.0.1", "localhost")
    assert Pictures(Files(first), url)()["peer"] == url
    assert "peer" not in Pictures(Files(first), "")()
    for closed in ({"peer_port": 0}, {"peer_token": ""}):
        assert peer_url(msgspec.structs.replace(open_, **closed)) == ""


def test_without_a_hub_the_node_lists_too(hub: Hub, second: Callable[..., Files]) -> None:
    hub.listing.statuses = [(503, {})] * 100
    path = second().ensure(SMALL)
    assert (path / "model.safetensors").read_bytes() == content(300_000)
    with pytest.raises(HubUnavailable):
        second().ensure(Source("huggingface", "acme/small", revision="v2"))


def test_the_port_gives_nothing_else(first: Settings, url: str) -> None:
    [info] = [i for i in Files(first).cached() if i.name == "acme/small"]
    (first.home_path / "secret").write_text("s")
    (Path(info.path) / "not listed").write_text("s")
    shown = {"Authorization": f"Bearer {TOKEN}"}
    file = f"{url}/files/{info.id}/config.json"
    assert requests.get(file, timeout=5).status_code == 401
    assert requests.get(file, headers={"Authorization": "Bearer no"}, timeout=5).status_code == 401
    assert requests.get(f"{url}/offer?hub=huggingface&id=acme/small", timeout=5).status_code == 401
    assert requests.get(file, headers=shown, timeout=5).content == b'{"model_type": "llama"}'
    for path in (
        f"files/{info.id}/not%20listed",
        f"files/{info.id}/.xplatform/snapshot.json",
        f"files/{info.id}/..%2f..%2f..%2f..%2f..%2fsecret",
        f"files/{info.id}//etc/passwd",
        "files/0123456789abcdef/config.json",
        "offer?hub=huggingface&id=acme/none",
        "",
    ):
        assert requests.get(f"{url}/{path}", headers=shown, timeout=5).status_code == 404, path
    assert requests.get(f"{url}/offer?hub=x&id=y", headers=shown, timeout=5).status_code == 400
    ranged = requests.get(file, headers={**shown, "Range": "bytes=2-4"}, timeout=5)
    assert (ranged.status_code, ranged.content) == (206, b"mod")
    assert ranged.headers["Content-Range"] == "bytes 2-4/23"
    beyond = requests.get(file, headers={**shown, "Range": "bytes=99-"}, timeout=5)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */23")
    assert requests.head(file, headers=shown, timeout=5).headers["Content-Length"] == "23"


def test_no_port_without_a_token(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigError, match="peer_port is set, but not peer_token"):
        PeerServer(make_settings(peer_port=9998))


@contextmanager
def node(settings: Settings, folder: Path) -> Iterator[str]:
    """Another process that serves; its address."""
    save_settings(settings, folder / "settings.json")
    program = (
        "from xplatform.core.config import settings\n"
        "from xplatform.files.peer_server import PeerServer\n"
        "print(PeerServer(settings(), host='127.0.0.1', port=0).port, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "XPLATFORM_SETTINGS": str(folder / "settings.json")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def test_two_processes(
    hub: Hub, first: Settings, second: Callable[..., Files], tmp_path: Path
) -> None:
    with node(first, tmp_path) as url:
        files = second(peers=url)
        assert files.ensure(BIG).read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert hub.sent == {}
