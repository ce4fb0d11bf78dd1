"""Downloads together: shared, paused, resumed, cancelled, kept over restarts, told of."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.files.conftest import BIG, QUICK, SMALL, content, wait_for
from tests.files.hub import Hub
from xplatform.core.config import Settings
from xplatform.core.errors import Conflict, NotFound, RequestAborted
from xplatform.files import Cancelled, DownloadInfo, Files, Pictures, Source

Make = Callable[..., Files]


def partials(files: Files) -> list[Path]:
    found = Path(files.disk()["path"]).glob("*/*/*/.xplatform/partial/*")
    return [path for path in found if path.suffix == ""]


def only(files: Files) -> DownloadInfo:
    [info] = files.downloads()
    return info


class Waiting:
    """``ensure`` on a thread."""

    def __init__(self, files: Files, source: Source, **more: Any) -> None:
        self.cancelled = threading.Event()
        self.told: list[tuple[int, int, str]] = []
        self._pool = ThreadPoolExecutor(1)
        self.future = self._pool.submit(
            files.ensure, source, lambda *a: self.told.append(a), self.cancelled, **more
        )

    def result(self) -> Path:
        return self.future.result(60)


def test_two_who_ask_share_one_download(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 8 << 20
    waiting = [Waiting(files, BIG, holder=f"launch {n}") for n in range(4)]
    info = wait_for(lambda: files.downloads() and only(files).done and only(files))
    assert info.waiters == [f"launch {n}" for n in range(4)]
    assert len({w.result() for w in waiting}) == 1
    assert hub.sent["model.gguf"] == 6 << 20
    assert only(files).state == "done"


def test_two_sources_with_one_file_in_common_fetch_it_once(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 8 << 20
    whole = Source("huggingface", "acme/big", files=("*",))
    waiting = [Waiting(files, BIG), Waiting(files, whole)]
    assert waiting[0].result().parent == waiting[1].result()
    assert hub.sent["model.gguf"] == 6 << 20


def test_two_processes_fetch_it_once(hub: Hub, make_files: Make) -> None:
    """Two managers stand for two processes: they share nothing but the folder."""
    hub.behaviour["model.gguf"].rate = 8 << 20
    waiting = [Waiting(make_files(), BIG), Waiting(make_files(), BIG)]
    assert waiting[0].result() == waiting[1].result()
    assert hub.sent["model.gguf"] == 6 << 20


def test_progress(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 8 << 20
    hub.behaviour["model.gguf"].wrong = 1  # what is fetched again does not go back
    waiting = Waiting(files, BIG)
    waiting.result()
    done = [d for d, _, _ in waiting.told]
    assert done == sorted(done)
    assert done[-1] == 6 << 20
    assert {t for _, t, _ in waiting.told if t} == {6 << 20}
    # A few times a second, not for each piece.
    assert len(done) < 100
    assert any(
        line.startswith("downloading model.gguf ") and " of 6.3 MB, " in line
        for _, _, line in waiting.told
    )


def test_pause_and_resume(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 4 << 20
    waiting = Waiting(files, BIG)
    info = wait_for(lambda: files.downloads() and only(files).done > 100_000 and only(files))
    files.pause(info.id)
    wait_for(lambda: only(files).state == "paused")
    [partial] = partials(files)
    size = partial.stat().st_size
    assert 100_000 < size < 6 << 20
    wait_for(lambda: waiting.told[-1][2].startswith("paused"))
    assert partial.stat().st_size == size
    hub.behaviour["model.gguf"].rate = 0
    files.resume(info.id)
    assert waiting.result().read_bytes() == hub.repos["acme/big"]["model.gguf"]
    assert hub.sent["model.gguf"] - (6 << 20) < 2 << 20


def test_pause_ends_a_silent_read_at_once(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].silent = 1
    files.fetch(BIG)
    wait_for(lambda: only(files).done >= 3 << 20)
    files.pause(only(files).id)
    wait_for(lambda: only(files).state == "paused", 20)  # the read's own patience is longer


def test_resume_right_after_pause(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 8 << 20
    files.fetch(BIG)
    wait_for(lambda: only(files).done)
    for _ in range(5):
        files.pause(only(files).id)
        files.resume(only(files).id)
    wait_for(lambda: only(files).state == "done")


def test_cancel(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 4 << 20
    waiting = Waiting(files, BIG)
    info = wait_for(lambda: files.downloads() and only(files).done and only(files))
    files.cancel(info.id)
    with pytest.raises(RequestAborted, match="'acme/big' was cancelled"):
        waiting.result()
    assert only(files).state == "cancelled"
    assert partials(files) == []
    with pytest.raises(Conflict, match="is cancelled"):
        files.pause(info.id)
    hub.behaviour["model.gguf"].rate = 0
    assert files.ensure(BIG).exists()  # another launch may begin it anew


def test_a_cancelled_launch_ends_a_download_that_nobody_else_wants(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].rate = 4 << 20
    first, second = Waiting(files, BIG), Waiting(files, BIG)
    wait_for(lambda: files.downloads() and only(files).done)
    first.cancelled.set()
    with pytest.raises(Cancelled):
        first.result()
    assert only(files).state == "running"
    second.cancelled.set()
    with pytest.raises(Cancelled):
        second.result()
    wait_for(lambda: only(files).state == "paused")
    [partial] = partials(files)  # the next launch goes on from here
    had = partial.stat().st_size
    hub.behaviour["model.gguf"].rate = 0
    files.ensure(BIG)
    assert f"bytes={had}-" in [r.range for r in hub.requests]


def test_what_was_asked_for_once_is_a_launchs_own_the_next_time(hub: Hub, files: Files) -> None:
    files.fetch(BIG)
    wait_for(lambda: only(files).state == "done")
    files.remove(files.cached()[0].id)
    hub.behaviour["model.gguf"].silent = 1
    waiting = Waiting(files, BIG)
    wait_for(lambda: not hub.behaviour["model.gguf"].silent)
    waiting.cancelled.set()
    with pytest.raises(Cancelled):
        waiting.result()
    wait_for(lambda: only(files).state == "paused")


def test_cancelled_by_hand_and_by_its_launch_at_once(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].silent = 1
    waiting = Waiting(files, BIG)
    wait_for(lambda: hub.sent["model.gguf"])
    with files._shop.lock:  # both before the download can end
        files.cancel(only(files).id)
        files.pause(only(files).id)
        waiting.cancelled.set()
    with pytest.raises((Cancelled, RequestAborted)):
        waiting.result()
    wait_for(lambda: not files.working)
    assert only(files).state == "cancelled"
    assert files.ensure(BIG).exists()


def test_what_was_asked_for_goes_on_in_a_new_process(hub: Hub, make_files: Make) -> None:
    hub.behaviour["model.gguf"].rate = 2 << 20
    first = make_files()
    first.fetch(BIG)
    wait_for(lambda: only(first).done)
    # As a process that is killed leaves it: no pause was ever written.
    second = make_files()
    assert only(second).state == "paused"
    first.pause(only(first).id)
    wait_for(lambda: only(first).state == "paused")
    hub.behaviour["model.gguf"].rate = 0
    second.take_up()
    wait_for(lambda: only(second).state == "done")
    assert hub.sent["model.gguf"] - (6 << 20) < 2 << 20


def test_a_pause_by_hand_survives_a_restart(hub: Hub, make_files: Make) -> None:
    hub.behaviour["model.gguf"].rate = 2 << 20
    first = make_files()
    id = first.fetch(BIG).id
    wait_for(lambda: only(first).done)
    first.pause(id)
    wait_for(lambda: only(first).state == "paused")
    second = make_files()
    second.take_up()
    assert (only(second).state, only(second).done) == ("paused", only(first).done)
    waiting = Waiting(second, BIG)
    wait_for(lambda: waiting.told and waiting.told[-1][2].startswith("paused"))
    hub.behaviour["model.gguf"].rate = 0
    second.resume(id)
    assert waiting.result().exists()


def test_failures_are_remembered_and_tried_again_on_demand(hub: Hub, make_files: Make) -> None:
    hub.behaviour["model.gguf"].statuses = [(503, {})] * 6
    files = make_files()
    id = files.fetch(BIG).id
    wait_for(lambda: only(files).state == "failed")
    again = only(make_files())
    assert again.error is not None
    assert again.error.code == "hub_unavailable"
    assert "503" in again.line
    files.resume(id)
    wait_for(lambda: only(files).state == "done")
    assert only(files).error is None
    files.forget(id)
    assert files.downloads() == make_files().downloads() == []


def test_files_at_once_are_bounded(hub: Hub, make_files: Make) -> None:
    many = {f"{n}.safetensors": content(100_000, n) for n in range(12)}
    hub.repos["acme/many"] = many
    hub.repos["acme/more"] = many
    for name in many:
        hub.behaviour[name].rate = 1 << 20
    files = make_files(download_parallel=3)
    waiting = [Waiting(files, Source("huggingface", f"acme/{n}")) for n in ("many", "more")]
    for one in waiting:
        assert len(list(one.result().glob("*.safetensors"))) == 12
    assert hub.busiest == 3


def test_one_failed_file_ends_the_others(hub: Hub, files: Files) -> None:
    hub.repos["acme/two"] = {"a.safetensors": content(4 << 20), "b.safetensors": content(100_000)}
    hub.behaviour["a.safetensors"].rate = 200_000
    hub.behaviour["b.safetensors"].statuses = [(404, {})]
    hub.lfs_from = 1 << 30
    with pytest.raises(Exception, match="has no file 'b.safetensors'"):
        files.ensure(Source("huggingface", "acme/two"))
    assert hub.sent["a.safetensors"] < 4 << 20


def test_nothing_is_left_over(hub: Hub, files: Files) -> None:
    hub.behaviour["model.gguf"].silent = 40
    for n in range(20):
        waiting = Waiting(files, BIG, holder=f"launch {n}")
        wait_for(lambda n=n: hub.behaviour["model.gguf"].silent < 40 - n)
        if n % 2:
            waiting.cancelled.set()
            with pytest.raises(Cancelled):
                waiting.result()
        else:
            files.cancel(only(files).id)
            with pytest.raises(RequestAborted):
                waiting.result()
        wait_for(lambda: not files.working)
    wait_for(lambda: not [t for t in threading.enumerate() if t.name.startswith("download-")])
    root = Path(files.disk()["path"])
    assert list((root / ".leases").iterdir()) == []
    assert [p.name for p in (root / ".downloads").iterdir()] == [f"{only(files).id}.json"]
    open_files = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert not [name for name in open_files if name.startswith(str(root))]


def test_unknown_ids(files: Files) -> None:
    for call in (files.pause, files.resume, files.cancel, files.forget, files.download):
        with pytest.raises(NotFound, match="no download with the id 'x'"):
            call("x")
    with pytest.raises(NotFound, match="no cached files with the id 'x'"):
        files.remove("x")


def test_pictures_are_drawn_when_something_has_changed(hub: Hub, files: Files) -> None:
    pictures = Pictures(files)
    first = pictures()
    assert first["downloads"] == []
    assert pictures() is first
    files.ensure(SMALL)
    wait_for(lambda: not files.working)
    told = pictures()
    assert [d["state"] for d in told["downloads"]] == ["done"]
    [cached] = told["cached"]
    assert cached["name"] == "acme/small"
    assert told["disk"]["used"] == cached["size"] > 300_000
    files.remove(cached["id"])
    assert pictures()["cached"] == []
    assert pictures() is pictures()


def test_secrets_are_neither_shown_nor_readable_by_others(
    hub: Hub, make_settings: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    hub.gated.add("acme/big")
    settings = make_settings(hf_token="hf_wrong", peer_token="p-secret")
    files = Files(settings, QUICK)
    address = hub.url.replace("http://", "http://ann:pa%3Assw0rd@")
    path = files.ensure(Source("uri", f"{address}/web/acme/big/model.gguf?signature=topsecret"))
    assert path.read_bytes() == hub.repos["acme/big"]["model.gguf"]
    with pytest.raises(Exception, match="gated") as caught:
        files.ensure(BIG)
    shown = str(files.picture()) + caplog.text + str(caught.value)
    for secret in ("ssw0rd", "topsecret", "hf_wrong"):
        assert secret not in shown
    for kept in Path(files.disk()["path"]).rglob("*.json"):
        if "signature" in kept.read_text():
            assert kept.stat().st_mode & 0o077 == 0
