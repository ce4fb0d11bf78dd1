"""Reading facts: of a path on this machine, or of any repository by its small files only.

path ─┐
      ├→ Files → what is in it? → gguf | pipeline | pretrained → Facts
hub ──┘
"""

from __future__ import annotations

import os
from pathlib import Path

from apps.models.facts import gguf
from apps.models.facts.facts import Facts
from apps.models.facts.pipeline import read_pipeline
from apps.models.facts.pretrained import read_pretrained
from apps.models.facts.repository import Files, LocalFile, LocalFolder, Repository
from xplatform.core.errors import InvalidValue


def read_facts(path: str | os.PathLike[str], *, quantization: str = "") -> Facts:
    """Of a GGUF file or a model's folder here. Raises InvalidValue when there is no such model and
    MissingField when a folder holds several GGUF models and ``quantization`` does not say which.
    What it cannot read is named in ``missing``."""
    place = Path(path)
    try:
        if place.is_file():
            if place.suffix.lower() != ".gguf":
                raise InvalidValue(
                    f"{place.name} is no model: a GGUF file or a model's folder is needed.",
                    param="model_path",
                )
            return gguf.read_gguf(Files(LocalFile(place)), place.name)
        if place.is_dir():
            return read_files(Files(LocalFolder(place)), quantization, "")
    except OSError as error:
        raise InvalidValue(
            f"Cannot read {place.name}: {error.strerror or error}.", param="model_path"
        ) from error
    raise InvalidValue(f"There is no file or folder {str(place)!r}.", param="model_path")


def read_hub(repository: Repository, *, quantization: str = "", entry: str = "") -> Facts:
    """Of a repository on a hub, from its list of files, its small files and GGUF headers.
    ``entry``: the GGUF file, where it is known. Raises as ``read_facts``, and what the
    repository itself raises (not found, gated, no network)."""
    return read_files(Files(repository), quantization, entry)


def read_files(files: Files, quantization: str, entry: str) -> Facts:
    """Of what has been listed already."""
    if entry:
        return gguf.read_gguf(files, entry)
    if "model_index.json" in files:
        return read_pipeline(files)
    has_gguf = bool(gguf.models_in(files))
    wants_gguf = bool(quantization) and any(
        name.upper() == quantization.upper() for name in gguf.models_in(files)
    )
    if has_gguf and (wants_gguf or not _has_weights(files)):
        return gguf.read_gguf(files, gguf.choose(files, quantization))
    if "config.json" not in files and "modules.json" not in files:
        raise InvalidValue(
            f"{files.name} is no model that can be read: it has no config.json, no"
            " model_index.json and no GGUF file.",
            param="source",
        )
    return read_pretrained(files)


def _has_weights(files: Files) -> bool:
    return any(path.endswith((".safetensors", ".bin")) for path in files.sizes)
