"""The cache: what is listed, what is removed, what never is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.files.conftest import BIG, SMALL, content
from tests.files.hub import Hub, git_blob
from xplatform.core.errors import Conflict, DiskFull, HubUnavailable, Offline
from xplatform.files import Files, Source, disk

Make = Callable[..., Files]


def names(files: Files) -> set[str]:
    return {info.name for info in files.cached()}


def age(files: Files, name: str, seconds: float) -> None:
    """As if it had not been used for so long."""
    for info in files.cached():
        if info.name == name:
            when = time.time() - seconds
            os.utime(Path(info.path) / ".xplatform" / "used", (when, when))


@pytest.fixture
def models(hub: Hub) -> list[Source]:
    """Three of a megabyte each."""
    for n in range(3):
        hub.repos[f"acme/m{n}"] = {"model.safetensors": content(1_000_000, n)}
    return [Source("huggingface", f"acme/m{n}") for n in range(3)]


def test_listing(hub: Hub, files: Files) -> None:
    before = time.time() - 1
    path = files.ensure(SMALL)
    [info] = files.cached()
    assert (info.hub, info.name, info.revisions) == ("huggingface", "acme/small", [""])
    assert info.commit == hub.commit("acme/small")
    assert info.path == str(path)
    assert path.parts[-3:] == ("huggingface", "acme--small", info.commit)
    assert sorted(info.files) == ["README.md", "config.json", "model.safetensors"]
    assert info.size == sum(len(hub.repos["acme/small"][name]) for name in info.files)
    assert info.last_used >= before
    assert (info.partial, info.linked, info.used_by) == (0, 0, [])


def test_remove(files: Files) -> None:
    path = files.ensure(SMALL)
    [info] = files.cached()
    assert files.remove(info.id).name == "acme/small"
    assert not path.exists()
    assert files.cached() == []
    assert files.ensure(SMALL).exists()


def test_what_is_used_is_not_removed(files: Files, tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.touch()
    path = files.ensure(SMALL, holder="m-1")
    [info] = files.cached()
    assert info.used_by == ["m-1"]
    files.lease(path, "m-1", until_gone=order)
    files.lease(path / "config.json", "m-2")
    with pytest.raises(Conflict, match="'acme/small' are in use by m-1, m-2"):
        files.remove(info.id)
    files.release("m-2")
    with pytest.raises(Conflict, match="in use by m-1"):
        files.remove(info.id)
    order.unlink()  # the replica has ended
    files.remove(info.id)
    assert not files.lease(path, "m-3")


def test_a_lease_ends_with_its_process(files: Files, make_files: Make) -> None:
    path = files.ensure(SMALL)
    [info] = files.cached()
    program = (
        "import sys; from pathlib import Path; from xplatform.files.leases import Leases\n"
        "Leases(Path(sys.argv[1])).take('other', sys.argv[2]); print('taken', flush=True)\n"
        "sys.stdin.read()"
    )
    leases = Path(files.disk()["path"]) / ".leases"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(leases), info.id],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        with pytest.raises(Conflict, match="other"):
            files.remove(info.id)
        process.kill()
    assert [i.used_by for i in files.cached()] == [[]]
    make_files()  # a new process tidies up
    assert list(leases.iterdir()) == []
    files.remove(info.id)
    assert not path.exists()


def test_leases_of_another_machine(
    files: Files, make_files: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nodes with one folder: neither sees the other's processes."""
    with monkeypatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: "another")
        files.ensure(SMALL, holder="m")
    [info] = make_files().cached()
    assert info.used_by == ["m"]
    files.release("m")  # as somebody of the same name here
    with pytest.raises(Conflict):
        files.remove(info.id)
    [lease] = (Path(files.disk()["path"]) / ".leases").glob("*.json")
    os.utime(lease, (0, 0))  # nobody has freshened it for long
    files.remove(info.id)


def test_our_leases_are_kept_fresh(files: Files) -> None:
    files.ensure(SMALL, holder="m")
    [lease] = (Path(files.disk()["path"]) / ".leases").glob("*.json")
    os.utime(lease, (0, 0))
    assert files.cached()[0].used_by == ["m"]
    assert time.time() - lease.stat().st_mtime < 600


def test_the_least_recently_used_goes_first(models: list[Source], make_files: Make) -> None:
    files = make_files(cache_max_gb=0.0025)
    for n, source in enumerate(models[:2]):
        files.ensure(source)
        age(files, source.id, 1000 - n)
    files.ensure(models[0])  # used again
    files.ensure(models[2])
    assert names(files) == {"acme/m0", "acme/m2"}


def test_files_in_use_stay_whatever_their_age(models: list[Source], make_files: Make) -> None:
    files = make_files(cache_max_gb=0.0025)
    files.ensure(models[0], holder="replica")
    files.ensure(models[1])
    age(files, "acme/m0", 5000)
    files.ensure(models[2])
    assert names(files) == {"acme/m0", "acme/m2"}
    files.ensure(models[2], holder="another")
    with pytest.raises(DiskFull, match=r"needs 1.0 MB.*500 kB more.*'cache_max_gb'"):
        files.ensure(models[1])
    assert names(files) >= {"acme/m0", "acme/m2"}
    files.release("another")
    files.ensure(models[1])
    assert names(files) >= {"acme/m0", "acme/m1"}


def test_a_full_disk_is_noticed_before_the_first_byte(
    hub: Hub, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.ensure(SMALL)
    monkeypatch.setattr(disk, "free", lambda folder: 5_000_000)
    with pytest.raises(
        DiskFull, match=r"'acme/big' needs 6.3 MB, but 5.0 MB are free.*Unused .* take 300 kB"
    ) as caught:
        files.ensure(BIG)
    assert not caught.value.retryable
    assert caught.value.data["needed"] == 6 << 20
    assert hub.sent["model.gguf"] == 0


def test_downloads_that_run_are_counted(
    hub: Hub, files: Files, models: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free", lambda folder: 6_800_000)
    hub.behaviour["model.gguf"].silent = 1
    files.fetch(BIG)
    while hub.sent["model.gguf"] == 0:
        time.sleep(0.01)
    with pytest.raises(DiskFull, match="beside .* MB for downloads that run"):
        hub.repos["acme/m0"]["model.safetensors"] = content(4_000_000)
        files.ensure(models[0])
    files.cancel(files.downloads()[0].id)


def test_a_commit_is_never_looked_up_again(hub: Hub, files: Files) -> None:
    source = Source("huggingface", "acme/small", revision=hub.commit("acme/small"))
    path = files.ensure(source)
    hub.requests.clear()
    assert files.ensure(source) == path
    assert hub.requests == []


def test_a_branch_that_moved(hub: Hub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    first = files.ensure(SMALL)
    hub.repos["acme/small"]["config.json"] = b"{}"
    assert files.ensure(SMALL) == first  # the hub was asked a moment ago
    monkeypatch.setattr("xplatform.files.look_up._FRESH", 0.0)
    second = files.ensure(SMALL)
    assert second != first
    assert (second / "config.json").read_bytes() == b"{}"


def test_a_hub_that_is_away_does_not_matter_when_the_files_are_here(
    hub: Hub, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xplatform.files.look_up._FRESH", 0.0)
    path = files.ensure(SMALL)
    hub.listing.statuses = [(503, {})] * 100
    assert files.ensure(SMALL) == path
    assert len(hub.listing.statuses) == 99
    with pytest.raises(HubUnavailable, match="answered 503 when asked for 'acme/big'"):
        files.ensure(BIG)


def test_a_file_that_went_away_is_fetched_again(hub: Hub, files: Files) -> None:
    path = files.ensure(SMALL)
    (path / "model.safetensors").unlink()
    (path / "config.json").write_bytes(b"cut")
    path = files.ensure(SMALL)
    assert (path / "config.json").read_bytes() == hub.repos["acme/small"]["config.json"]
    assert (path / "model.safetensors").stat().st_size == 300_000


@pytest.mark.parametrize("how", ["setting", "variable"])
def test_offline(hub: Hub, make_files: Make, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    path = make_files().ensure(SMALL)
    hub.requests.clear()
    if how == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    files = make_files(offline=how == "setting")
    assert files.ensure(SMALL) == path
    with pytest.raises(Offline, match="'acme/big' is not on this node") as caught:
        files.ensure(BIG)
    assert not caught.value.retryable
    (path / "model.safetensors").unlink()
    with pytest.raises(Offline, match="'acme/small' model.safetensors is not on this node"):
        files.ensure(SMALL)
    assert hub.requests == []


def hugging_face_cache(tmp_path: Path, hub: Hub, repo: str, leave_out: str = "") -> Path:
    """As huggingface_hub lays it out."""
    folder = tmp_path / "hf" / "hub" / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / hub.commit(repo)
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(hub.commit(repo))
    for path, data in hub.repos[repo].items():
        if path != leave_out:
            large = len(data) >= hub.lfs_from
            blob = (
                folder / "blobs" / (hashlib.sha256(data).hexdigest() if large else git_blob(data))
            )
            blob.write_bytes(data)
            (snapshot / path).symlink_to(blob)
    return folder


def test_files_of_hugging_faces_cache_are_linked(hub: Hub, files: Files, tmp_path: Path) -> None:
    folder = hugging_face_cache(tmp_path, hub, "acme/small", leave_out="config.json")
    path = files.ensure(SMALL)
    assert (path / "model.safetensors").read_bytes() == content(300_000)
    assert hub.sent["model.safetensors"] == 0
    assert hub.sent["config.json"] > 0
    [info] = files.cached()
    assert info.linked == 300_000 + len(b"# small")
    files.remove(info.id)
    assert all(blob.stat().st_size for blob in (folder / "blobs").iterdir())


def test_a_link_whose_file_went_away(
    hub: Hub, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*args: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", no_link)
    folder = hugging_face_cache(tmp_path, hub, "acme/small")
    path = files.ensure(SMALL)
    assert (path / "model.safetensors").is_symlink()
    for blob in (folder / "blobs").iterdir():
        blob.unlink()
    path = files.ensure(SMALL)
    assert not (path / "model.safetensors").is_symlink()
    assert (path / "model.safetensors").read_bytes() == content(300_000)


def test_a_damaged_file_of_modelscopes_cache_is_not_linked(
    hub: Hub, files: Files, tmp_path: Path
) -> None:
    other = tmp_path / "ms" / "models" / "acme--small" / "snapshots" / "master"
    other.mkdir(parents=True)
    (other / "model.safetensors").write_bytes(content(300_000))
    (other / "config.json").write_bytes(b"x" * len(hub.repos["acme/small"]["config.json"]))
    path = files.ensure(Source("modelscope", "acme/small"))
    assert hub.sent["model.safetensors"] == 0
    assert (path / "config.json").read_bytes() == hub.repos["acme/small"]["config.json"]


def test_offline_with_hugging_faces_cache(hub: Hub, make_files: Make, tmp_path: Path) -> None:
    hugging_face_cache(tmp_path, hub, "acme/small")
    path = make_files(offline=True).ensure(SMALL)
    assert (path / "model.safetensors").read_bytes() == content(300_000)
    assert hub.requests == []
    # What that cache lacks does not count as missing at the hub, once there is a network.
    assert (make_files().ensure(SMALL) / "README.md").exists()


def test_offline_with_half_of_a_model_in_hugging_faces_cache(
    hub: Hub, make_files: Make, tmp_path: Path
) -> None:
    hub.repos["acme/split"] = {
        "model-00001-of-00002.safetensors": content(100_000),
        "model-00002-of-00002.safetensors": content(100_000, 2),
        "model.safetensors.index.json": b'{"weight_map": {"a": "model-00001-of-00002.safetensors",'
        b' "b": "model-00002-of-00002.safetensors"}}',
    }
    hugging_face_cache(tmp_path, hub, "acme/split", "model-00002-of-00002.safetensors")
    with pytest.raises(Offline, match="is not on this node"):
        make_files(offline=True).ensure(Source("huggingface", "acme/split"))
