"""Files that lie in the caches of other programs already: Hugging Face's and ModelScope's own.

On the same file system a hard link is made, which costs no room and outlives a tidying of the
other cache; else a symbolic one, which is looked at again with each use.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from xplatform.files.listing import RemoteFile, Snapshot, is_inside
from xplatform.files.source import Source
from xplatform.files.stop import Stop

_PIECE = 1 << 20


def link_from_other_caches(snapshot: Snapshot, file: RemoteFile, target: Path, stop: Stop) -> bool:
    """Raises Stopped."""
    if target.exists() or not (file.sha256 or file.blob):
        return False
    for found, checked in _candidates(snapshot, file):
        try:
            real = found.resolve(strict=True)
            if file.size is not None and real.stat().st_size != file.size:
                continue
            if not checked and not _is(real, file, stop):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                target.unlink()  # a link to what went away
            try:
                os.link(real, target)
            except OSError:
                target.symlink_to(real)
            return True
        except OSError:
            continue
    return False


def other_snapshot(source: Source) -> Snapshot | None:
    """Without a hub: what Hugging Face's cache has of a source, when no weights are missing."""
    if source.hub != "huggingface":
        return None
    repository = hugging_face_cache() / f"models--{source.id.replace('/', '--')}"
    revision = source.revision or "main"
    try:
        commit = (repository / "refs" / revision).read_text().strip()
    except OSError:
        commit = revision
    folder = repository / "snapshots" / commit
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or not folder.is_dir():
        return None
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            # The name of the blob is its checksum: git's, or SHA-256.
            name = path.resolve().name
            files.append(
                RemoteFile(
                    path=path.relative_to(folder).as_posix(),
                    size=path.stat().st_size,
                    sha256=name if re.fullmatch(r"[0-9a-f]{64}", name) else "",
                    blob=name if re.fullmatch(r"[0-9a-f]{40}", name) else "",
                )
            )
    if not files or not _is_whole(folder, {f.path for f in files}):
        return None
    return Snapshot("huggingface", source.id, commit, tuple(files), listed=False)


def hugging_face_cache() -> Path:
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    return Path(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub")).expanduser()


def modelscope_caches() -> list[Path]:
    if given := os.environ.get("MODELSCOPE_CACHE"):
        return [Path(given).expanduser()]
    base = Path("~/.cache/modelscope").expanduser()
    return [base, base / "hub"]


def _candidates(snapshot: Snapshot, file: RemoteFile) -> Iterator[tuple[Path, bool]]:
    """Paths, and whether their name vouches for their content."""
    if not is_inside(file.path):
        return
    dashed = snapshot.id.replace("/", "--")
    if snapshot.hub == "huggingface":
        blobs = hugging_face_cache() / f"models--{dashed}" / "blobs"
        yield blobs / (file.sha256 or file.blob), True
    elif snapshot.hub == "modelscope" and file.sha256:
        revision = snapshot.read_at or "master"
        for root in modelscope_caches():
            yield root / "models" / dashed / "snapshots" / revision / file.path, False
            # Older versions wrote a dot of the name as three underscores.
            for id in (snapshot.id, snapshot.id.replace(".", "___")):
                yield root / "models" / id / file.path, False
                yield root / id / file.path, False


def _is(path: Path, file: RemoteFile, stop: Stop) -> bool:
    found = hashlib.sha256()
    with open(path, "rb") as content:
        while piece := content.read(_PIECE):
            stop.check()
            found.update(piece)
    return found.hexdigest() == file.sha256


def _is_whole(folder: Path, paths: set[str]) -> bool:
    """Whether all parts of the weights are there that an index names."""
    for path in paths:
        if path.endswith((".safetensors.index.json", ".bin.index.json")):
            try:
                parts = json.loads((folder / path).read_bytes())["weight_map"].values()
            except (OSError, ValueError, KeyError, AttributeError):
                return False
            beside = Path(path).parent
            if any((beside / part).as_posix() not in paths for part in set(parts)):
                return False
    return True
