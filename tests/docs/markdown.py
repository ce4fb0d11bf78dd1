"""What the documentation says, in pieces that tests can hold against the program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SKIPPED = {".git", ".venv", "build", "node_modules", ".pytest_cache"}


@dataclass(frozen=True)
class Block:
    """A fenced block: ``sh quickstart chat`` has the language sh and the words behind it."""

    language: str
    words: tuple[str, ...]
    text: str


def pages() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.md") if not _SKIPPED & set(path.relative_to(ROOT).parts)
    )


def blocks(path: Path) -> list[Block]:
    found = re.findall(r"^```(.*)\n([\s\S]*?)^```$", path.read_text(), re.MULTILINE)
    result = []
    for info, text in found:
        language, *words = info.split() or [""]
        result.append(Block(language, tuple(words), text))
    return result


def without_blocks(path: Path) -> str:
    return re.sub(r"^```.*\n[\s\S]*?^```$", "", path.read_text(), flags=re.MULTILINE)


def links(path: Path) -> Iterator[str]:
    """Targets of links to files of the repository, with their ``#anchor``."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(path)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(path: Path) -> set[str]:
    """As GitHub makes them from headings."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", without_blocks(path), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower().strip())
        found.add(words.replace(" ", "-"))
    return found


def table_rows(path: Path) -> Iterator[list[str]]:
    """Rows of all tables, heads and rules included."""
    for line in without_blocks(path).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def commands(path: Path) -> Iterator[list[str]]:
    """Every ``xplatform …`` in code, as words: from blocks that are for a shell, and from text."""
    lines = []
    for block in blocks(path):
        if block.language in ("sh", "ini"):
            lines += re.sub(r"\\\n", " ", block.text).splitlines()
    lines += re.findall(r"`([^`\n]+)`", without_blocks(path))
    for line in lines:
        code = line.partition(" #")[0].partition("…")[0]
        if found := re.search(r"(?:^|[\s/])xplatform ((?:-|[a-z]).*)", code):
            words = re.split(r"\s+", re.split(r"[&|;)]", found[1])[0].strip())
            if ":" not in words[0]:  # the image
                yield [word.strip("'\",.") for word in words if word]
