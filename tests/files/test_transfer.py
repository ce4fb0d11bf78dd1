"""Fetching: resumed after cuts, kills and restarts; verified; no byte twice."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.conftest import BIG, QUICK, SMALL, content, wait_for
from tests.files.hub import Hub
from xplatform.core.config import Settings, save_settings
from xplatform.core.errors import FilesDamaged, HubUnavailable
from xplatform.files import Files, Source, partial
from xplatform.files.transfer import Patience, content_range

HERE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
def test_a_folder(hub: Hub, files: Files, kind: str) -> None:
    path = files.ensure(msgspec.structs.replace(SMALL, hub=kind))
    names = {p.name for p in path.iterdir() if not p.name.startswith(".")}
    assert names == {"config.json", "model.safetensors", "README.md"}
    for name in names:
        assert (path / name).read_bytes() == hub.repos["acme/small"][name]


def test_one_file(hub: Hub, files: Files) -> None:
    path = files.ensure(BIG)
    assert path.name == "model.gguf"
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert "config.json" not in {p.name for p in path.parent.iterdir()}


@pytest.mark.parametrize("kind", ["huggingface", "modelscope", "uri"])
def test_cut_twenty_times(hub: Hub, files: Files, kind: str) -> None:
    whole = hub.repos["acme/big"]["model.gguf"]
    source = msgspec.structs.replace(BIG, hub=kind)
    if kind == "uri":
        source = Source("uri", f"{hub.url}/web/acme/big/model.gguf")
    hub.behaviour["model.gguf"].cuts = [100_003 + 7_919 * n for n in range(20)]
    if kind == "uri":
        hub.behaviour["model.gguf"].cuts.insert(0, 1)  # the look at its size
    path = files.ensure(source)
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(whole).digest()
    assert hub.behaviour["model.gguf"].cuts == []
    ranges = [r.range for r in hub.requests if r.range and "bytes=0-0" not in r.range]
    assert len({*ranges}) >= 20  # each attempt went on further than the one before
    # What was on its way when the connection broke may be sent again, and nothing else.
    assert hub.sent["model.gguf"] - len(whole) <= 20 * 65_536


def test_killed_and_taken_up_by_another_process(
    hub: Hub, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    whole = hub.repos["acme/big"]["model.gguf"]
    hub.behaviour["model.gguf"].rate = 4 << 20
    made = make_settings()
    save_settings(made, tmp_path / "settings.json")
    program = (
        "from xplatform.core.config import settings; from xplatform.files import *\n"
        "Files(settings()).ensure(Source('huggingface', 'acme/big', entry='model.gguf'))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=HERE,
        env={**os.environ, "XPLATFORM_SETTINGS": str(tmp_path / "settings.json")},
    )
    wait_for(lambda: hub.sent["model.gguf"] > 1 << 20, 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.behaviour["model.gguf"].rate = 0
    files = Files(made, QUICK)
    [left] = files.downloads()
    assert (left.state, left.name) == ("paused", "acme/big")
    path = files.ensure(BIG)
    assert path.read_bytes() == whole
    # At most what the kernel held for the process that was killed.
    assert hub.sent["model.gguf"] - len(whole) < 3 << 20
    last = [r.range for r in hub.requests if r.range][-1]
    assert int(last.removeprefix("bytes=").rstrip("-")) > 0


def test_after_a_crash_of_the_machine_only_what_is_surely_on_disk_counts(
    hub: Hub, make_files: Callable[..., Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.behaviour["model.gguf"].cuts = [1 << 20]
    hub.behaviour["model.gguf"].statuses = []
    monkeypatch.setattr(partial, "_SYNC_EVERY", 300_000)
    impatient = Patience(tries=1)
    with pytest.raises(HubUnavailable, match="What has arrived is kept"):
        make_files(impatient).ensure(BIG)
    [journal] = Path(make_files().disk()["path"]).glob("*/*/*/.xplatform/partial/*.json")
    kept = json.loads(journal.read_bytes())
    assert 300_000 <= kept["synced"] <= 1 << 20
    monkeypatch.setattr(partial, "boot_id", lambda: "another start")
    path = make_files().ensure(BIG)
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert f"bytes={kept['synced']}-" in [r.range for r in hub.requests]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_checksum_is_fetched_once_more(hub: Hub, files: Files, name: str) -> None:
    """SHA-256 of large files, git's SHA-1 of small ones."""
    hub.behaviour[name].wrong = 1
    assert (files.ensure(SMALL) / name).read_bytes() == hub.repos["acme/small"][name]


def test_a_checksum_that_stays_wrong_fails(hub: Hub, files: Files) -> None:
    hub.behaviour["model.safetensors"].wrong = 99
    with pytest.raises(FilesDamaged, match="model.safetensors.*twice") as caught:
        files.ensure(SMALL)
    assert not caught.value.retryable
    assert hub.sent["model.safetensors"] == 2 * 300_000
    root = Path(files.disk()["path"])
    assert not [p for p in root.rglob("*") if p.is_file() and p.stat().st_size == 300_000]


def test_what_servers_say_when_they_are_busy(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].statuses = [(429, {}), (500, {}), (503, {}), (408, {})]
    hub.behaviour["model.gguf"].cuts = [100_000]
    assert files.ensure(BIG).read_bytes() == hub.repos["acme/big"]["model.gguf"]


def test_retry_after_is_honoured(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].statuses = [(429, {"Retry-After": "1"})]
    lines: list[str] = []
    files.ensure(BIG, lambda done, total, line: lines.append(line))
    assert any("429; next attempt in 1 s" in line for line in lines)


def test_a_hub_that_never_recovers(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].statuses = [(500, {})] * 100
    with pytest.raises(HubUnavailable, match="answered 500, 6 times in a row") as caught:
        files.ensure(BIG)
    assert caught.value.retryable
    hub.behaviour["model.gguf"].statuses = []
    assert files.ensure(BIG).exists()


def test_silence_is_a_cut(hub: Hub, make_files: Callable[..., Files]) -> None:
    hub.behaviour["model.gguf"].silent = 1
    path = make_files(Patience(first=0.01, stall=1.0)).ensure(BIG)
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert hub.sent["model.gguf"] < len(hub.repos["acme/big"]["model.gguf"]) + (1 << 20)


def test_a_trickle_is_a_cut(hub: Hub, make_files: Callable[..., Files]) -> None:
    behaviour = hub.behaviour["model.gguf"]
    behaviour.rate = 2_000
    patience = Patience(first=0.01, stall=0.5, trickle=1 << 20)
    lines: list[str] = []

    def progress(done: int, total: int, line: str) -> None:
        lines.append(line)
        if len([r for r in hub.requests if r.path.startswith("/cdn/")]) > 1:
            behaviour.rate = 0

    path = make_files(patience).ensure(BIG, progress)
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]


def test_a_server_without_ranges_starts_anew(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].ranges = False
    hub.behaviour["model.gguf"].cuts = [1, 1 << 20]
    source = Source("uri", f"{hub.url}/web/acme/big/model.gguf")
    assert files.ensure(source).read_bytes() == hub.repos["acme/big"]["model.gguf"]


def changed_at_the_first_cut(hub: Hub, new: bytes) -> None:
    behaviour = hub.behaviour["model.gguf"]
    behaviour.cuts = [1, 1 << 20]  # the look at its size comes first

    def change() -> None:
        if not behaviour.cuts:
            hub.repos["acme/big"]["model.gguf"] = new

    behaviour.after_cut = change


def test_a_file_that_changes_meanwhile_is_not_mixed(hub: Hub, files: Files) -> None:
    new = content(6 << 20, 77)
    changed_at_the_first_cut(hub, new)
    path = files.ensure(Source("uri", f"{hub.url}/web/acme/big/model.gguf"))
    assert path.read_bytes() == new


def test_a_file_that_changes_its_size_meanwhile(hub: Hub, files: Files) -> None:
    source = Source("uri", f"{hub.url}/web/acme/big/model.gguf")
    changed_at_the_first_cut(hub, content(7 << 20, 77))
    with pytest.raises(HubUnavailable, match="the server has 7340032 bytes instead of 6291456"):
        files.ensure(source)
    # The address is looked up again, although it was a moment ago.
    assert files.ensure(source).read_bytes() == content(7 << 20, 77)


def test_empty_files_and_folders_in_folders(hub: Hub, files: Files) -> None:
    hub.repos["acme/odd"] = {"empty.txt": b"", "a/b c/ü#?.json": b"{}", "a/x.bin": b"1"}
    path = files.ensure(Source("huggingface", "acme/odd"))
    assert (path / "empty.txt").read_bytes() == b""
    assert (path / "a/b c/ü#?.json").read_bytes() == b"{}"


def test_paths_that_lead_out_are_not_written(hub: Hub, files: Files, tmp_path: Path) -> None:
    hub.repos["acme/evil"] = {"../../../../evil": b"x", "/etc/evil": b"x", "good": b"1"}
    path = files.ensure(Source("huggingface", "acme/evil"))
    assert [p.name for p in path.iterdir() if p.name != ".xplatform"] == ["good"]
    assert not list(tmp_path.rglob("evil"))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    size=st.integers(0, 400_000),
    cuts=st.lists(st.integers(0, 150_000), max_size=12),
    statuses=st.lists(st.sampled_from([408, 429, 500, 502, 503]), max_size=4),
    restarts=st.booleans(),
)
def test_whatever_happens_on_the_way(
    size: int, cuts: list[int], statuses: list[int], restarts: bool
) -> None:
    whole = content(size, size)
    hub = Hub({"a/b": {"f.bin": whole}}, lfs_from=1)
    hub.behaviour["f.bin"].cuts = list(cuts)
    hub.behaviour["f.bin"].statuses = [(status, {}) for status in statuses]
    source = Source("huggingface", "a/b", entry="f.bin")
    # With restarts each attempt is a process of its own, as far as the disk can tell.
    patience = Patience(first=0.001, most=0.002, tries=1 if restarts else 30)
    with tempfile.TemporaryDirectory() as home:
        for _ in range(30):
            files = Files(Settings(home=home, hf_endpoint=hub.url), patience)
            try:
                path = files.ensure(source)
                break
            except HubUnavailable:
                assert restarts
        assert path.read_bytes() == whole
    hub.close()
    assert hub.sent["f.bin"] == size


def test_content_range() -> None:
    assert content_range("bytes 5-9/10") == (5, 10)
    assert content_range("bytes 5-9/*") == (5, None)
    assert content_range("") == content_range("lines 1-2/3") == (-1, None)
