"""All families that are known without a database: the platform's own files and the user's.

Files are read when somebody first asks, all at once (a few milliseconds per hundred). The user's
folder is looked at again, at most once a second, so a file that is put there counts without a
restart. A file that cannot be read is skipped and named in the log and in ``Library.broken``; it
never keeps the server from starting or from knowing the other families.
"""

from __future__ import annotations

import difflib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

from xplatform.core.config import settings
from xplatform.core.errors import InvalidRequest, InvalidValue

from .checks import family_of_bytes
from .choice import Choice, repositories_of
from .schema import Family, Kind

logger = logging.getLogger(__name__)

#: one folder a kind, one file a family
OWN: Path = Path(__file__).parent / "families"
KINDS: tuple[Kind, ...] = ("llm", "embedding", "rerank", "image", "audio", "video", "flexible")

#: seconds for which the user's folder is taken to be as it was
_FRESH = 1.0

_decoder: msgspec.json.Decoder[Family] = msgspec.json.Decoder(Family)

#: name, time of change and size of each file in a folder
_Marks = tuple[tuple[str, int, int], ...]


class Library:
    """Families by kind and name. Those of ``overlay`` go before the platform's own of that name.

    Safe to use from several threads; what it hands out is frozen.
    """

    def __init__(self, own: Path = OWN, overlay: Path | None = None) -> None:
        self._own = own
        self._overlay = overlay
        self._lock = threading.Lock()
        self._built_in: dict[tuple[str, str], Family] = {}
        self._users: dict[tuple[str, str], Family] = {}
        self._families: dict[tuple[str, str], Family] = {}
        self._loaded = False
        self._marks: _Marks = ()
        self._looked = 0.0
        self._places: dict[str, tuple[Family, Choice]] = {}
        #: the families for which ``_places`` was made
        self._indexed: dict[tuple[str, str], Family] | None = None
        #: file → why it was skipped
        self.broken: dict[str, str] = {}

    def families(self, kind: str | None = None) -> list[Family]:
        """By kind and name; all kinds, or one."""
        known = self._known()
        chosen = [family for family in known.values() if kind is None or family.kind == kind]
        return sorted(chosen, key=lambda family: (family.kind, family.name.lower()))

    def get(self, name: str, kind: str | None = None) -> Family | None:
        """The family of exactly this name, or the only one that differs in upper and lower case."""
        known = self._known()
        kinds: Iterable[str] = (kind,) if kind is not None else KINDS
        for each in kinds:
            if (each, name) in known:
                return known[each, name]
        close = [
            family
            for (each, other), family in known.items()
            if other.lower() == name.lower() and (kind is None or each == kind)
        ]
        return close[0] if len(close) == 1 else None

    def find(self, name: str, kind: str | None = None, *, param: str = "model_name") -> Family:
        """The family, or an error that offers names that are close."""
        found = self.get(name, kind)
        if found is not None:
            return found
        elsewhere = self.get(name) if kind is not None else None
        what = f"{kind} family" if kind is not None else "family"
        if elsewhere is not None:
            raise InvalidValue(
                f"There is no {what} named {name!r}; it is of kind {elsewhere.kind!r}.",
                param=param,
                data={"name": name, "kind": elsewhere.kind},
            )
        near = self.near(name, kind)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise InvalidValue(
            f"There is no {what} named {name!r} in the catalogue. "
            + (hint or "A repository's id, a path or a registration of your own work as well."),
            param=param,
            data={"name": name, "close": near},
        )

    def of_repository(self, id: str) -> tuple[Family, Choice] | None:
        """The family that lists a repository (owner/name), and which of its forms lies there: what
        is known of a model that somebody names by its repository only."""
        families = self._known()
        if self._indexed is not families:
            found: dict[str, tuple[Family, Choice]] = {}
            for family in families.values():
                for place, choice in repositories_of(family):
                    found.setdefault(place, (family, choice))
            self._places, self._indexed = found, families
        return self._places.get(id.lower())

    def near(self, name: str, kind: str | None = None, count: int = 3) -> list[str]:
        """Names that somebody may have meant."""
        names: dict[str, str] = {}
        for family in self.families(kind):
            names.setdefault(family.name.lower(), family.name)
        close = difflib.get_close_matches(name.lower(), names, n=count, cutoff=0.6)
        if len(close) < count:
            starts = [each for each in names if each.startswith(name.lower()) and each not in close]
            close.extend(starts[: count - len(close)])
        return [names[each] for each in close]

    def search(
        self,
        text: str = "",
        kind: str | None = None,
        abilities: Sequence[str] = (),
        languages: Sequence[str] = (),
        formats: Sequence[str] = (),
    ) -> list[Family]:
        """Families that have all of ``abilities``, one of ``languages`` and of ``formats``, and
        each word of ``text`` in their name, description or repositories; best match first."""
        words = text.lower().split()
        scored: list[tuple[int, str, Family]] = []
        for family in self.families(kind):
            if not set(abilities) <= set(family.abilities):
                continue
            if languages and not _speaks(family, languages):
                continue
            if formats and not any(spec.format in formats for spec in family.specs):
                continue
            score = _score(family, words)
            if score is not None:
                scored.append((score, family.name.lower(), family))
        scored.sort(key=lambda entry: entry[:2])
        return [family for _, _, family in scored]

    def is_own(self, family: Family) -> bool:
        """It comes with the platform, not from the user's folder."""
        self._known()
        return self._built_in.get((family.kind, family.name)) is family

    def __iter__(self) -> Iterator[Family]:
        return iter(self.families())

    def __len__(self) -> int:
        return len(self._known())

    # --- reading ---

    def _known(self) -> dict[tuple[str, str], Family]:
        now = time.monotonic()
        if self._loaded and now - self._looked < _FRESH:
            return self._families
        with self._lock:
            if not self._loaded:
                self._built_in = self._read_own()
            self._looked = now
            marks = _marks(self._overlay)
            if not self._loaded or marks != self._marks:
                self._users = self._read_overlay(marks)
                self._marks = marks
                self._families = self._built_in | self._users
            self._loaded = True
            return self._families

    def _read_own(self) -> dict[tuple[str, str], Family]:
        found: dict[tuple[str, str], Family] = {}
        for file in sorted(self._own.glob("*/*.json")):
            # Their finer rules are looked at by the tests, not at each start.
            try:
                family = _decoder.decode(file.read_bytes())
            except (OSError, msgspec.DecodeError) as error:
                self._skip(file, str(error))
                continue
            found[family.kind, family.name] = family
        return found

    def _read_overlay(self, marks: _Marks) -> dict[tuple[str, str], Family]:
        found: dict[tuple[str, str], Family] = {}
        assert self._overlay is not None or not marks
        for name in [file for file in self.broken if Path(file).parent == self._overlay]:
            del self.broken[name]
        for name, _, _ in marks:
            file = Path(str(self._overlay)) / name
            try:
                family = family_of_bytes(file.read_bytes())
            except InvalidRequest as error:
                self._skip(file, error.message)
                continue
            except OSError as error:
                self._skip(file, str(error))
                continue
            if (family.kind, family.name) in found:
                self._skip(file, f"{family.kind} {family.name!r} is in another file already")
                continue
            found[family.kind, family.name] = family
        return found

    def _skip(self, file: Path, why: str) -> None:
        self.broken[str(file)] = why
        logger.warning("catalogue: %s is skipped: %s", file, why)


def _marks(folder: Path | None) -> _Marks:
    if folder is None:
        return ()
    marks = []
    try:
        for file in folder.glob("*.json"):
            stat = file.stat()
            marks.append((file.name, stat.st_mtime_ns, stat.st_size))
    except OSError:
        return ()  # no such folder: nobody added a family
    return tuple(sorted(marks))


def _speaks(family: Family, languages: Sequence[str]) -> bool:
    return "multilingual" in family.languages or not set(languages).isdisjoint(family.languages)


def _score(family: Family, words: Sequence[str]) -> int | None:
    """Smaller is better; None: a word is nowhere."""
    name = family.name.lower()
    text = family.description.lower()
    score = 0
    for word in words:
        if name == word:
            continue
        if name.startswith(word):
            score += 1
        elif word in name:
            score += 2
        elif word in text:
            score += 3
        elif any(
            word in repository.id.lower()
            for spec in family.specs
            for repository in spec.repositories
        ):
            score += 4
        else:
            return None
    return score


@cache
def library() -> Library:
    """The one of this process, with the families in ``<home>/families``."""
    return Library(overlay=settings().home_path / "families")


def find(name: str, kind: str | None = None, *, param: str = "model_name") -> Family:
    return library().find(name, kind, param=param)
