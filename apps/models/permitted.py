"""What takes more than the right to launch: whatever runs code or opens files of the machine.

Who may launch may fetch models from the hubs, run them with the ordinary options of their engine,
and register families that do no more. All else (``launches.unsafe``) is as good as a shell on the
node, as the user that runs it, and so as every project's models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from apps.models.catalogue.schema import Family, Repository
from apps.models.models import Model
from apps.models.orders import Adapter, LaunchOrder
from xplatform.core.errors import Forbidden
from xplatform.engines.options import is_ordinary
from xplatform.files import Source

UNSAFE: Final = "launches.unsafe"
SHARE: Final = "launches.share"

#: the others are paths of the machine and addresses that it can reach
_HUBS: Final = ("huggingface", "modelscope")

#: (field, what it would do)
Finding = tuple[str, str]


def check_order(order: LaunchOrder, before: Model | None = None) -> None:
    """``before``: what is changed; what somebody else was allowed to give it may stay, as long as
    it is for the same model. Raises Forbidden, naming the field and the permission."""
    if order.unsafe:
        return
    stays = before is not None and _is_same(order, before)
    for field, what in _of_order(order):
        if not (before is not None and stays and _was_there(field, order, before)):
            raise _refusal(field, what)


def check_adapters(adapters: Iterable[Adapter], before: Model, unsafe: bool) -> None:
    """Those that it has already may stay."""
    there = before.adapters
    new = [adapter for adapter in adapters if msgspec.to_builtins(adapter) not in there]
    for field, what in () if unsafe else _of_adapters(new):
        raise _refusal(field, what)


def check_family(family: Family, unsafe: bool) -> None:
    for field, what in () if unsafe else _of_family(family):
        raise _refusal(field, what)


def _refusal(field: str, what: str) -> Forbidden:
    return Forbidden(f"`{field}` {what}: that needs the permission {UNSAFE}.", param=field)


def _of_order(order: LaunchOrder) -> Iterator[Finding]:
    if order.model_path:
        yield "model_path", "opens files of the machine"
    if order.source is not None:
        yield from _of_source("source", order.source)
    if order.trust_remote_code:
        yield "trust_remote_code", "runs code of the model's repository"
    if order.environment:
        yield "environment", "sets variables of a process of the machine"
    if order.packages:
        yield "packages", "installs code on the machine"
    yield from _of_adapters(order.adapters)
    yield from _of_options("options", order.engine, order.options)


def _of_adapters(adapters: Iterable[Adapter]) -> Iterator[Finding]:
    for adapter in adapters:
        if adapter.path:
            yield "adapters", "opens files of the machine"
        if adapter.source is not None:
            yield from _of_source("adapters", adapter.source)


def _of_source(field: str, source: Source) -> Iterator[Finding]:
    if source.hub not in _HUBS:
        yield field, "is of no hub, but a path or an address that the machine can reach"
    elif any(_leaves(name) for name in (source.id, source.revision, source.entry, *source.files)):
        yield field, "names files outside of the repository"


def _of_options(field: str, engine: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Without an engine, which is chosen later, an option has to be harmless for each of them."""
    for name, value in options.items():
        if not is_ordinary(engine, name, value):
            yield f"{field}.{name}"[:200], "is not one of the engine's ordinary options"


def _of_family(family: Family) -> Iterator[Finding]:
    for number, spec in enumerate(family.specs):
        at = f"specs[{number}]"
        yield from _of_repositories(f"{at}.repositories", spec.repositories)
        for companion in spec.companions:
            yield from _of_repositories(f"{at}.companions", companion.repositories)
            yield from _of_names(f"{at}.companions", (companion.file,))
        parts = (name for names in spec.parts.values() for name in names)
        yield from _of_names(at, (spec.file, *spec.projectors, *spec.files, *parts))
    if family.packages:
        yield "packages", "installs code on the machine"
    for engine, options in family.engine_options.items():
        known = "" if engine == "*" else engine
        yield from _of_options(f"engine_options.{engine}", known, options)


def _of_repositories(field: str, repositories: Iterable[Repository]) -> Iterator[Finding]:
    for place, repository in enumerate(repositories):
        source = Source(repository.hub, repository.id, repository.revision)
        yield from _of_source(f"{field}[{place}].id", source)


def _of_names(field: str, names: Iterable[str]) -> Iterator[Finding]:
    if any(_leaves(name) for name in names):
        yield field, "names files outside of the repository"


def _leaves(name: str) -> bool:
    return name.startswith(("/", "~")) or ".." in name.replace("\\", "/").split("/")


def _is_same(order: LaunchOrder, before: Model) -> bool:
    """The same model, run by the same engine. What code and files it was given is for this one."""
    source = msgspec.to_builtins(order.source) if order.source else {}
    return (order.engine, order.family, order.model_path, source) == (
        before.engine,
        before.family,
        before.model_path,
        before.source,
    )


def _was_there(field: str, order: LaunchOrder, before: Model) -> bool:
    match field.partition("."):
        case "options", _, name:
            return name in before.options and before.options[name] == order.options[name]
        case "adapters", _, _:
            there = before.adapters
            return all(msgspec.to_builtins(adapter) in there for adapter in order.adapters)
        case "packages", _, _:
            return list(order.packages) == list(before.packages)
        case "source", _, _:
            return True
        case name, _, _:
            return bool(getattr(order, name) == getattr(before, name))
