"""Which files of a repository are needed: repositories hold the same weights in many formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from xplatform.core.errors import SourceNotFound
from xplatform.files.listing import RemoteFile, Snapshot
from xplatform.files.source import Source

#: one part of a model that is split over several files
_PART = re.compile(r"-\d{5}-of-(\d{5})(?=\.[A-Za-z0-9]+$)")
#: weights that the same folder's safetensors make superfluous
_OLDER = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".ot", ".nemo")
#: weights for other runtimes; they are named by a pattern or an entry when they are wanted
_OTHER_RUNTIMES = (".onnx", ".onnx_data", ".tflite", ".mlmodel", ".gguf", ".ggml", ".llamafile")
_OTHER_FOLDERS = ("onnx", "openvino", "coreml", "original", "metal", "gguf", "tflite")
#: of a repository with nothing but GGUF files, as llama.cpp chooses
_USUAL_GGUF = "Q4_K_M"


def select(source: Source, snapshot: Snapshot) -> tuple[RemoteFile, ...]:
    """The files to fetch. Raises SourceNotFound when a pattern or the entry names none."""
    files = tuple(f for f in snapshot.files if not _is_of_git(f.path))
    if source.entry or source.files:
        return _named(source, files)
    if not files:
        raise SourceNotFound(f"'{source.name}' ({source.hub}) has no files.", param="source")
    return _default(files)


def parts_of(entry: str, paths: Sequence[str]) -> list[str]:
    """All parts of a split model of which ``entry`` is one; else just ``entry``."""
    found = _PART.search(entry)
    if found is None:
        return [entry]
    stem, end = entry[: found.start()], entry[found.end() :]
    form = re.compile(re.escape(stem) + rf"-\d{{5}}-of-{found[1]}" + re.escape(end))
    return sorted(path for path in paths if form.fullmatch(path)) or [entry]


def _named(source: Source, files: tuple[RemoteFile, ...]) -> tuple[RemoteFile, ...]:
    paths = [f.path for f in files]
    wanted: set[str] = set()
    if source.entry:
        if source.entry not in paths:
            raise _missing(source, f"no file '{source.entry}'", _like(source.entry, paths))
        wanted.update(parts_of(source.entry, paths))
    for pattern in source.files:
        matches = [path for path in paths if fnmatchcase(path, pattern)]
        if not matches:
            raise _missing(source, f"no file that matches '{pattern}'", paths)
        wanted.update(matches)
    return tuple(f for f in files if f.path in wanted)


def _missing(source: Source, what: str, others: Sequence[str]) -> SourceNotFound:
    at = f" at revision '{source.revision}'" if source.revision else ""
    shown = ", ".join(others[:8]) + (", …" if len(others) > 8 else "")
    has = f" It has {shown}." if shown else ""
    return SourceNotFound(
        f"'{source.name}' ({source.hub}) has {what}{at}.{has}",
        param="source",
        data={"files": list(others[:100])},
    )


def _like(entry: str, paths: Sequence[str]) -> list[str]:
    """Files of the same kind first."""
    end = PurePosixPath(entry).suffix.lower()
    same = [path for path in paths if end and path.lower().endswith(end)]
    return same or list(paths)


def _default(files: tuple[RemoteFile, ...]) -> tuple[RemoteFile, ...]:
    paths = [f.path for f in files]
    safetensors = {_folder(p) for p in paths if p.endswith(".safetensors") and not _is_extra(p)}
    older = {_folder(p) for p in paths if p.endswith(_OLDER) and not _is_extra(p)}
    ggufs = [p for p in paths if p.lower().endswith(".gguf")]
    if safetensors or (older and not ggufs):
        keep = {p for p in paths if not _is_superfluous(p, safetensors, set(paths))}
        return tuple(f for f in files if f.path in keep)
    if ggufs:
        keep = {*_usual(ggufs), *(p for p in paths if not p.lower().endswith(".gguf"))}
        return tuple(f for f in files if f.path in keep)
    return files


def _usual(ggufs: Sequence[str]) -> list[str]:
    """One quantization of many, and the projector of a model that sees."""
    projectors = sorted(p for p in ggufs if "mmproj" in p.lower())
    models = sorted(set(ggufs) - set(projectors))
    found: list[str] = []
    if models:
        chosen = next((p for p in models if _USUAL_GGUF in p.upper()), models[0])
        found += parts_of(chosen, models)
    if projectors:
        found.append(next((p for p in projectors if "F16" in p.upper()), projectors[0]))
    return found


def _is_superfluous(path: str, safetensors: set[str], paths: set[str]) -> bool:
    folder, lower = _folder(path), path.lower()
    if _is_extra(path) or lower.endswith(_OTHER_RUNTIMES):
        return True
    if folder in safetensors and lower.endswith(_OLDER):
        return True
    # diffusers: `model.fp16.safetensors` beside `model.safetensors`
    plain = re.sub(r"\.(fp16|fp32|bf16|non_ema)(?=[.-])", "", path)
    if plain != path and plain in paths:
        return True
    # Mistral's own format beside the usual one
    name = PurePosixPath(path).name
    return name.startswith("consolidated") and any(
        p != path and _folder(p) == folder and p.endswith(".safetensors")
        and not PurePosixPath(p).name.startswith("consolidated")
        for p in paths
    )  # fmt: skip


def _is_extra(path: str) -> bool:
    return PurePosixPath(path).parts[0].lower() in _OTHER_FOLDERS and "/" in path


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _is_of_git(path: str) -> bool:
    return PurePosixPath(path).name in (".gitattributes", ".gitignore")
