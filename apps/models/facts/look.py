"""All that a source tells before anybody fetches it: its files, and what model they are."""

from __future__ import annotations

from pathlib import Path

import msgspec

from apps.models.catalogue.choice import usual
from apps.models.facts import gguf
from apps.models.facts.facts import Facts
from apps.models.facts.hub import HubRepository
from apps.models.facts.reading import read_files
from apps.models.facts.repository import Files, LocalFile, LocalFolder, Repository
from xplatform.core.config import Settings
from xplatform.core.errors import InvalidValue, MissingField
from xplatform.files.hubs.path import is_local, local_path
from xplatform.files.source import Source

#: of files that are told one by one
_MOST_FILES = 500


class LookedFile(msgspec.Struct, frozen=True):
    path: str
    #: bytes; 0: the source does not tell
    size: int


class Look(msgspec.Struct, frozen=True):
    files: list[LookedFile]
    #: of all files, also of those that are not told
    file_count: int
    total: int
    #: GGUF: quantization → its files, the first is opened
    models: dict[str, list[str]]
    #: in which of them the facts were read
    quantization: str
    facts: Facts | None
    #: why there are none
    problem: str


def look(source: Source, settings: Settings, quantization: str = "") -> Look:
    """Raises what the hub refuses, and InvalidValue for a path that is not there or a quantization
    that it does not have; files that are no model are no error."""
    repository = _repository(source, settings)
    files, entry = Files(repository), source.entry
    if isinstance(repository, LocalFile):
        entry = gguf.keep_only(files, repository.file.name)
    models = gguf.models_in(files)
    if quantization and models and quantization.upper() not in map(str.upper, models):
        raise InvalidValue(
            f"{files.name} has no quantization {quantization[:50]!r}; there are: "
            f"{', '.join(sorted(models))}.",
            param="quantization",
            data={"choices": sorted(models)},
        )
    if len(models) > 1 and not quantization and not entry:
        quantization = usual(list(models))
    facts, problem = None, ""
    try:
        facts = read_files(files, quantization, entry)
    except (InvalidValue, MissingField) as error:
        problem = error.message
    shown = sorted(files.sizes.items())[:_MOST_FILES]
    return Look(
        files=[LookedFile(path, size) for path, size in shown],
        file_count=len(files.sizes),
        total=sum(files.sizes.values()),
        models={name: gguf.parts_of(files, path) for name, path in models.items()},
        quantization=facts.quantization if facts else quantization,
        facts=facts,
        problem=problem,
    )


def _repository(source: Source, settings: Settings) -> Repository:
    if not is_local(source):
        return HubRepository(source, settings)
    place = Path(local_path(source))
    if place.is_file():
        return LocalFile(place)
    if place.is_dir():
        return LocalFolder(place)
    raise InvalidValue(f"There is no file or folder {str(place)!r} on this node.", param="from")
