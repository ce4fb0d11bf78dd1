"""Is there, on any node, what a registration names by its path?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from apps.models.catalogue.choice import filled
from apps.models.catalogue.schema import Family, Repository, Spec
from apps.models.models import Node
from apps.models.nodes.ask import ask_node
from xplatform.core.errors import InvalidValue, PlatformError

_ASK_SECONDS = 3.0
#: of all nodes together: somebody waits for the answer
_ALL_SECONDS = 15.0
_BUILT_IN = "builtin:"


def check_paths(family: Family) -> None:
    """Raises InvalidValue for a path that no node has. With no node to ask, it is believed: a
    launch looks again."""
    wanted = list(_paths(family))
    if not wanted:
        return
    names = list(Node.objects.filter(state=Node.State.UP).values_list("name", flat=True))
    until = time.monotonic() + _ALL_SECONDS
    for field, path in wanted:
        said: dict[str, str] = {}
        for name in names:
            if time.monotonic() > until:
                return
            if (why := _why_not(name, path)) == "":
                break
            if why is not None:
                said[name] = why
        else:
            if said:
                _refuse(field, path, said)


def _why_not(node: str, path: str) -> str | None:
    """Empty: it has it. None: it does not say."""
    try:
        answer = ask_node(node, "path.check", {"path": path}, timeout=_ASK_SECONDS)
    except PlatformError:
        return None
    return "" if answer["readable"] else str(answer["why"] or "it is not there")


def _refuse(field: str, path: str, said: dict[str, str]) -> None:
    words = "; ".join(f"{node}: {why}" for node, why in list(said.items())[:20])
    raise InvalidValue(
        f"`{field}`: no node has {path!r} ({words}). Copy it to a node first, or name a repository"
        " that nodes can fetch it from.",
        param=field,
        data={"path": path, "nodes": said},
    )


def _paths(family: Family) -> Iterator[tuple[str, str]]:
    """With the fields that name them."""
    for number, spec in enumerate(family.specs):
        for place, repository in enumerate(spec.repositories):
            field = f"specs[{number}].repositories[{place}].id"
            for path in dict.fromkeys(_of(spec, repository)):
                yield field, path


def _of(spec: Spec, repository: Repository) -> Iterator[str]:
    path = repository.id
    if repository.hub == "uri" and path.lower().startswith("file:"):
        path = unquote(urlsplit(path).path)
    elif repository.hub != "path" or path.startswith(_BUILT_IN):
        return
    for quantization in repository.quantizations or spec.quantizations:
        yield filled(path, quantization)
