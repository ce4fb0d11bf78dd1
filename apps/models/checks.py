"""What the values of an order may be. Each check names its field and says what is allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from apps.models.facts import Facts
from apps.models.facts import check_engine as can_run
from apps.models.models import Model
from apps.models.orders import Adapter, LaunchOrder, Placement
from xplatform.core.config import settings
from xplatform.core.errors import Forbidden, InvalidValue, MissingField
from xplatform.engines.registry import ENGINES
from xplatform.engines.rules import RULES

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_ADAPTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_SLOTS, _CONTEXT, _REPLICAS, _DEVICES = 4096, 2**31 - 1, 1000, 64
_OPTIONS_LENGTH = 100_000
_HUBS = ("huggingface", "modelscope")
_LONGEST_IDLE = 365 * 86400.0


def check_order(order: LaunchOrder) -> None:
    """All of it, after it was resolved. Raises InvalidValue, MissingField or Forbidden."""
    check_said(order)
    check_remote_code(order)
    check_kind(order.kind)
    if not order.model_path and order.source is None:
        raise MissingField("`model_path` is missing: what should be run?", param="model_path")
    if not order.engine:
        known = ", ".join(ENGINES)
        raise MissingField(f"`engine` is missing; there are: {known}.", param="engine")
    model = Facts(name=order.uid, kind=order.kind, format=order.format)
    can_run(order.engine, model.given(quantization=order.quantization))


def check_said(order: LaunchOrder) -> None:
    """What somebody said, before a node or a hub is asked for the rest."""
    check_uid(order.uid)
    if order.kind:
        check_kind(order.kind)
    if order.model_path:
        check_path(order.model_path)
    if order.engine and order.engine not in RULES:
        # Those that are not in this version are refused with what can run the model instead.
        check_engine(order.engine)
    if order.hub not in ("", *_HUBS):
        hubs = ", ".join(_HUBS)
        raise InvalidValue(f"`hub` {order.hub[:50]!r} is not one of: {hubs}.", param="hub")
    check_number("slots", order.slots, 1, _SLOTS)
    check_number("context_length", order.context_length, 1, _CONTEXT)
    check_options(order.options)
    check_environment(order.environment)
    check_packages(order.packages)
    check_adapters(order.adapters)
    check_bounds(order.min_replicas, order.max_replicas)
    check_idle(order.idle_seconds)
    check_placement(order.placement)


def check_remote_code(order: LaunchOrder) -> None:
    """Whether this very repository, at this revision, may run its own code. Raises Forbidden."""
    options = {name.replace("-", "_"): value for name, value in order.options.items()}
    if not order.trust_remote_code and not options.get("trust_remote_code"):
        return
    if settings().allow_remote_code:
        return
    what, revision = order.model_path, ""
    if order.source is not None:
        what, revision = order.source.name, order.source.revision
    for entry in filter(None, (part.strip() for part in settings().allowed_remote_code.split(","))):
        name, _, wanted = entry.partition("@")
        if fnmatchcase(what, name) and wanted in ("", revision):
            return
    at = f"{what}@{revision}" if revision else what
    raise Forbidden(
        f"`trust_remote_code`: this server does not run the code of {at[:200]!r}. Such code may do"
        " all that the server's user may. An administrator who has read it allows it by the setting"
        f" allowed_remote_code = {at[:200]!r}.",
        param="trust_remote_code",
    )


def is_uid(text: str) -> bool:
    return _UID.fullmatch(text) is not None


def check_uid(uid: str) -> str:
    if not is_uid(uid):
        raise InvalidValue(
            f"`uid` {uid[:100]!r} is not allowed: up to 100 letters, digits and . _ : -, beginning"
            " with a letter or digit.",
            param="uid",
        )
    return uid


def check_path(path: str) -> str:
    if not path.strip() or "\0" in path or len(path) > 1000:
        raise InvalidValue("`model_path` is the path of a file or folder.", param="model_path")
    return path


def check_engine(engine: str) -> str:
    if engine not in ENGINES:
        close = difflib.get_close_matches(engine, ENGINES, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidValue(
            f"`engine` {engine[:50]!r} is not known.{hint} There are: {', '.join(ENGINES)}.",
            param="engine",
        )
    return engine


def check_kind(kind: str) -> str:
    if kind not in Model.Kind.values:
        kinds = ", ".join(Model.Kind.values)
        raise InvalidValue(f"`kind` {kind[:50]!r} is not one of: {kinds}.", param="kind")
    return kind


def check_number(name: str, value: int | None, least: int, most: int) -> int | None:
    if value is not None and not least <= value <= most:
        raise InvalidValue(f"`{name}` is {value}; it must be from {least} to {most}.", param=name)
    return value


def check_options(options: Mapping[str, Any]) -> None:
    if len(json.dumps(dict(options), default=str)) > _OPTIONS_LENGTH:
        raise InvalidValue("`options` has more than 100,000 characters.", param="options")


def check_environment(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not _VARIABLE.fullmatch(name):
            raise InvalidValue(
                f"`environment` {name[:100]!r} is no name of a variable: letters, digits and _,"
                " not beginning with a digit.",
                param="environment",
            )
        if "\0" in value or len(value) > 10_000:
            raise InvalidValue(
                f"`environment` {name!r}: a value has up to 10,000 characters and no NUL.",
                param="environment",
            )


def check_packages(packages: Iterable[str]) -> None:
    for package in packages:
        # pip would take a leading dash for an option of its own.
        if not package.strip() or package.startswith("-") or len(package) > 500:
            raise InvalidValue(
                f"`packages` {package[:100]!r} is no requirement like 'name==1.0'.",
                param="packages",
            )


def check_adapters(adapters: Iterable[Adapter]) -> None:
    seen: set[str] = set()
    for adapter in adapters:
        name = adapter.name
        if not _ADAPTER.fullmatch(name):
            raise InvalidValue(
                f"`adapters` {name[:100]!r} is no name: up to 100 letters, digits and . _ -,"
                " beginning with a letter or digit.",
                param="adapters",
            )
        if name in seen:
            raise InvalidValue(f"`adapters` has {name!r} twice.", param="adapters")
        if not adapter.path and adapter.source is None:
            raise InvalidValue(f"`adapters` {name!r} has no path.", param="adapters")
        seen.add(name)


def check_bounds(least: int, most: int) -> None:
    check_number("min_replicas", least, 0, _REPLICAS)
    check_number("max_replicas", most, 1, _REPLICAS)
    if least > most:
        raise InvalidValue(
            f"`min_replicas` is {least}, more than `max_replicas`, which is {most}.",
            param="min_replicas",
        )


def check_idle(seconds: float | None) -> None:
    if seconds is not None and not 1 <= seconds <= _LONGEST_IDLE:
        raise InvalidValue(
            f"`idle_seconds` is {seconds:g}; it must be from 1 to {_LONGEST_IDLE:g}, or be left"
            " out.",
            param="idle_seconds",
        )


def check_placement(placement: Placement) -> None:
    count = placement.count
    if isinstance(count, bool) or (isinstance(count, int) and not 1 <= count <= _DEVICES):
        raise InvalidValue(
            f"`count` is {count}; it must be from 1 to {_DEVICES}, 'auto', or null for none.",
            param="placement.count",
        )
    if isinstance(count, int) and placement.devices and count > len(placement.devices):
        raise InvalidValue(
            f"`count` is {count}, but only {len(placement.devices)} devices are named.",
            param="placement.count",
        )
    if count is None and placement.devices:
        raise InvalidValue(
            "`devices` are named, but `count` is null, which asks for none.",
            param="placement.devices",
        )
