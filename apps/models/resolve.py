"""From what somebody said to a complete order: family, size, format, quantization, engine, files.

What was said is kept or refused, never changed; what was not said is chosen so that it runs on the
machines that are there. Nothing is written here, and a node is asked only for what its own disk or
a hub can tell.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from apps.models import registrations
from apps.models.catalogue.choice import Choice, choices, source_of, usual
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family
from apps.models.control.peers import with_token
from apps.models.facts import (
    Facts,
    check_engine,
    correction_key,
    expectation,
    facts_of_family,
    from_dict,
    match,
)
from apps.models.models import MemorySample, Node
from apps.models.nodes.ask import ask_node
from apps.models.orders import LaunchOrder, Placement
from xplatform.core.config import settings
from xplatform.core.errors import (
    Forbidden,
    InvalidValue,
    MissingField,
    NotFound,
    PlatformError,
)
from xplatform.engines.options import wrong_value
from xplatform.engines.registry import ENGINES
from xplatform.files import Source

log = logging.getLogger(__name__)

#: of several sizes nobody chose from, the largest up to this: what most people try first
_USUAL_BILLIONS = 9.0
#: of a machine's memory: the rest is the system's
USABLE = 0.85
#: formats by what they run best on; others come after these
_ON_ACCELERATOR = ("fp8", "awq", "gptq", "pytorch", "bnb", "ggufv2")
_ON_PROCESSOR = ("ggufv2", "pytorch")
#: a hub may be slow; a disk is not
_ASK_SECONDS, _QUICK_SECONDS = 30.0, 5.0


@dataclass(frozen=True, slots=True)
class Candidate:
    choice: Choice
    facts: Facts
    engine: str
    #: place of the engine among those that can
    place: int
    #: what one replica of it takes; nothing: nobody can tell
    takes: dict[str, Any]
    fits: bool

    @property
    def usual(self) -> bool:
        return self.choice.quantization == usual(self.choice.spec.quantizations)

    @property
    def billions(self) -> float:
        return float(self.choice.spec.size or 0)


def resolve(order: LaunchOrder) -> LaunchOrder:
    """The same order with all that a launch needs. Raises the errors of the catalogue, of the
    facts and of the engines, each naming its field (400), and Forbidden."""
    whole = _resolve(order)
    for name, value in whole.options.items():
        if problem := wrong_value(whole.engine, name, value):
            param = f"options.{name}"[:200]
            raise InvalidValue(f"`{param}`: {problem}.", param=param)
    return whole


def _resolve(order: LaunchOrder) -> LaunchOrder:
    if "/" in order.family and order.source is None and not order.model_path:
        order = _from_repository(order)
    if order.engine in ENGINES and ENGINES[order.engine].requirements is None:
        # The fake engine has no files to know anything from.
        path = order.model_path or order.family
        return msgspec.structs.replace(order, kind=order.kind or "llm", model_path=path)
    nodes = _nodes(order.placement)
    if order.family:
        return _from_family(order, nodes)
    if order.model_path or order.source is not None:
        return _from_files(order, nodes)
    return msgspec.structs.replace(order, kind=order.kind or "llm")


def _from_repository(order: LaunchOrder) -> LaunchOrder:
    """Somebody gave the bare name of a repository as the family's."""
    source = Source(_hub(order), order.family)
    known = library().of_repository(order.family)
    if known is None:
        return msgspec.structs.replace(order, family="", source=source)
    family, choice = known
    return msgspec.structs.replace(
        order,
        family=family.name,
        kind=order.kind or family.kind,
        format=order.format or choice.spec.format,
        size=order.size or choice.spec.size,
        # Which files of a GGUF repository is for the quantization to say.
        source=None if choice.spec.format == "ggufv2" else source,
    )


def _hub(order: LaunchOrder) -> Any:
    return order.hub or settings().model_hub


# --- by a name of the catalogue --------------------------------------------------------------


def _from_family(order: LaunchOrder, nodes: list[dict[str, Any]]) -> LaunchOrder:
    try:
        family, version = find_family(order.family, order.kind or None, order.project)
    except InvalidValue as error:
        if not order.model_path:
            raise
        raise InvalidValue(
            f"{error.message} Files of your own need no family: give their name as `uid`.",
            param=error.param,
            data=error.data,
        ) from None
    best = _choose(family, order, nodes)
    engine = best.engine
    if family.remote_code and engine == "transformers" and not order.trust_remote_code:
        raise Forbidden(
            f"{family.name} brings code of its own, which may do all that the server's user may. "
            "If you trust it, launch it with `trust_remote_code`.",
            param="trust_remote_code",
        )
    spec = best.choice.spec
    source = order.source
    if source is None and not order.model_path:
        source = source_of(spec, best.choice.quantization, _hub(order), family)
    return msgspec.structs.replace(
        order,
        kind=family.kind,
        family=family.name,
        family_version=version,
        engine=engine,
        size=spec.size,
        format=spec.format,
        quantization=best.choice.quantization,
        source=source,
        options=_options(family, best) | order.options,
        packages=_packages(family, engine, order.packages),
        estimate=expected(best.facts, engine, order, learned=True),
    )


def _options(family: Family, chosen: Candidate) -> dict[str, Any]:
    """What the family says of the engine, ``*`` of any."""
    known = family.engine_options
    options = {**known.get("*", {}), **known.get(chosen.engine, {})}
    projectors = chosen.choice.spec.projectors
    if chosen.engine == "llama.cpp" and projectors:
        # Fetched with the model; the node puts its folder before it.
        options.setdefault("mmproj", projectors[0])
    return options


def _packages(family: Family, engine: str, said: Iterable[str]) -> tuple[str, ...]:
    known = family.packages
    return tuple(dict.fromkeys((*known.get("*", ()), *known.get(engine, ()), *said)))


def find_family(name: str, kind: str | None, project: str) -> tuple[Family, int | None]:
    """A registration goes before a family of the same name that came with the platform.
    ``project`` empty: of somebody who sees those of all."""
    for info in registrations.registrations(kind, project or None, name):
        return info.family, info.version
    return library().find(name, kind, param="family"), None


def candidates(
    family: Family, order: LaunchOrder, nodes: Sequence[dict[str, Any]]
) -> list[Candidate]:
    """Every way to run it that fits what was said, on any of the nodes."""
    found = []
    for choice in choices(family, order.format, order.size, order.quantization):
        facts = facts_of_family(family, choice.spec, choice.quantization)
        engines = [order.engine] if order.engine else _able(facts, nodes)
        for place, engine in enumerate(engines):
            takes = expected(facts, engine, order)
            fits = any(_fits(takes, node) for node in nodes)
            found.append(Candidate(choice, facts, engine, place, takes, fits))
    return found


def _choose(family: Family, order: LaunchOrder, nodes: list[dict[str, Any]]) -> Candidate:
    if order.engine:
        _check_engine(family, order, nodes)
    found = candidates(family, order, nodes)
    if order.engine:
        found = [c for c in found if not _reason(c.facts, c.engine, nodes)]
    if not found:
        raise _nothing_runs(family, order, nodes)
    fitting = [candidate for candidate in found if candidate.fits] or found
    # The best engine in a smaller size rather than a lesser one in a larger.
    place = min(candidate.place for candidate in fitting)
    fitting = [candidate for candidate in fitting if candidate.place == place]
    # A size counts as fitting in a quantization that people take, not in two bits.
    usually = [c for c in fitting if c.usual or order.quantization]
    size = _usual_size(usually or fitting)
    formats = _ON_ACCELERATOR if any(map(_accelerators, nodes)) else _ON_PROCESSOR
    of_size = [candidate for candidate in fitting if candidate.billions == size]
    # The first of equals is the family's own first.
    first = min(of_size, key=lambda c: _rank(c.choice.spec.format, formats))
    same = [c for c in of_size if (c.choice.spec, c.engine) == (first.choice.spec, first.engine)]
    name = usual([candidate.choice.quantization for candidate in same])
    return next(candidate for candidate in same if candidate.choice.quantization == name)


def _usual_size(found: Iterable[Candidate]) -> float:
    sizes = sorted({candidate.billions for candidate in found})
    return max((size for size in sizes if size <= _USUAL_BILLIONS), default=sizes[0])


def _rank(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


def _check_engine(family: Family, order: LaunchOrder, nodes: list[dict[str, Any]]) -> None:
    """If the engine can run none of what was asked for: say why for the first of them."""
    wanted = choices(family, order.format, order.size, order.quantization)
    facts = [facts_of_family(family, each.spec, each.quantization) for each in wanted]
    if all(_reason(each, order.engine, nodes) for each in facts):
        check_engine(order.engine, facts[0], nodes)


def _nothing_runs(family: Family, order: LaunchOrder, nodes: list[dict[str, Any]]) -> InvalidValue:
    first = choices(family, order.format, order.size, order.quantization)[0]
    facts = facts_of_family(family, first.spec, first.quantization)
    reasons: dict[str, str] = {}
    for node in nodes or [{}]:
        for verdict in match(facts, node):
            if not verdict.ok:
                reasons.setdefault(verdict.engine, verdict.reason)
    told = "; ".join(f"{engine} {why}" for engine, why in reasons.items())
    return InvalidValue(
        f"No engine here can run {family.name} ({first.spec.format}, {first.quantization}): "
        f"{told}.",
        param="engine",
        data={"engines": reasons},
    )


# --- by a path or a repository ---------------------------------------------------------------


def _from_files(order: LaunchOrder, nodes: list[dict[str, Any]]) -> LaunchOrder:
    read = _read(order, nodes)
    if read is None:
        # No node can tell now; what was said has to do, and the engine will see.
        if not order.engine:
            raise _nobody_tells(nodes)
        return msgspec.structs.replace(order, kind=order.kind or "llm")
    facts = read.given(kind=order.kind, format=order.format, quantization=order.quantization)
    if not order.engine or "kind" in facts.missing:
        facts.need(*(field for field in ("kind", "format") if field in facts.missing))
    if facts.remote_code and not order.trust_remote_code and facts.format != "ggufv2":
        raise Forbidden(
            "This model brings code of its own, which may do all that the server's user may. If "
            "you trust it, launch it with `trust_remote_code`.",
            param="trust_remote_code",
        )
    engine = order.engine
    if engine:
        check_engine(engine, facts, nodes)
    else:
        able = _able(facts, nodes)
        if not able:
            check_engine(next(iter(ENGINES)), facts, nodes)
        engine = able[0]
    source = order.source
    if source is not None and not source.files:
        source = msgspec.structs.replace(
            source, files=facts.files, entry=source.entry or facts.entry
        )
    return msgspec.structs.replace(
        order,
        kind=facts.kind or "llm",
        engine=engine,
        size=order.size or facts.size,
        format=facts.format,
        quantization=facts.quantization,
        source=source,
        estimate=expected(facts, engine, order, learned=True),
    )


def _nobody_tells(nodes: list[dict[str, Any]]) -> MissingField:
    up = ", ".join(Node.objects.filter(state=Node.State.UP).values_list("name", flat=True))
    if nodes:
        why = "no node that it may run on tells now what the files are"
    elif up:
        why = f"`placement` allows none of the nodes that are up ({up}) to look at the files"
    else:
        why = "no node is up to look at the files"
    return MissingField(
        f"`engine` is missing, and {why}. Say the engine, one of: {', '.join(ENGINES)}.",
        param="engine",
    )


def _read(order: LaunchOrder, nodes: list[dict[str, Any]]) -> Facts | None:
    """From the first node that can; raises what all of them say."""
    question: dict[str, Any] = {"path": order.model_path}
    if order.source is not None:
        question = {"source": with_token(msgspec.to_builtins(order.source))}
    if order.quantization:
        question["quantization"] = order.quantization
    # Where the engine is known, the facts only make the order better.
    patience = _QUICK_SECONDS if order.engine else _ASK_SECONDS
    refusal: PlatformError | None = None
    for node in nodes:
        try:
            answer = ask_node(node["name"], "facts.read", question, patience)
            return from_dict(answer["facts"])
        except (InvalidValue, NotFound) as error:
            refusal = refusal or error
        except PlatformError as error:
            log.warning("node %s does not tell what the model is: %s", node["name"], error)
    if refusal is not None:
        raise refusal
    return None


# --- nodes, engines, memory ------------------------------------------------------------------


def _nodes(wish: Placement) -> list[dict[str, Any]]:
    """Those that live and that the order allows, in the form that facts are matched with."""
    rows = Node.objects.filter(state=Node.State.UP).values("name", "devices", "engines", "labels")
    return [
        dict(row)
        for row in rows
        if (not wish.nodes or row["name"] in wish.nodes)
        and all(row["labels"].get(name) == value for name, value in wish.labels.items())
    ]


def _able(facts: Facts, nodes: Sequence[dict[str, Any]]) -> list[str]:
    """Engines of this version that can run it somewhere; those that are installed come first."""
    ready: dict[str, bool] = {}
    for node in nodes or [{}]:
        for verdict in match(facts, node):
            if verdict.ok and verdict.available:
                ready[verdict.engine] = ready.get(verdict.engine, False) or verdict.installed
    known = list(ENGINES)
    return sorted(ready, key=lambda engine: (not ready[engine], known.index(engine)))


def _reason(facts: Facts, engine: str, nodes: Sequence[dict[str, Any]]) -> str:
    """Why it runs on none of them; empty: it runs on one."""
    reason = ""
    for node in nodes or [{}]:
        verdict = match(facts, node, [engine])
        if verdict and verdict[0].ok and verdict[0].available:
            return ""
        reason = verdict[0].reason if verdict else "is not known"
    return reason or "is not in this version of xplatform"


def expected(
    facts: Facts, engine: str, order: LaunchOrder, *, learned: bool = False
) -> dict[str, Any]:
    """What one replica will take, as placement reads it: ``learned`` from launches of its like."""
    ratio = 1.0
    if learned:
        samples = MemorySample.objects.filter(key=correction_key(facts, engine))
        ratio = samples.values_list("ratio", flat=True).first() or 1.0
    slots = order.slots or settings().slots
    try:
        return expectation(facts, engine, slots, order.context_length, order.options, ratio=ratio)
    except MissingField:
        return {}  # a family whose makers tell no size; placement then asks for a device of its own


def _accelerators(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [device for device in _devices(node) if device.get("kind") != "cpu"]


def _devices(node: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (node.get("devices") or {}).get("devices") or []
    return found


def _fits(expected: dict[str, Any], node: dict[str, Any]) -> bool:
    """By size alone: what else runs there is placement's business."""
    devices = _devices(node)
    if not devices or not expected:
        return True
    accelerators = _usable_bytes(_accelerators(node))
    host = _usable_bytes(device for device in devices if device.get("kind") == "cpu")
    if accelerators and accelerators >= expected["device"] and host >= expected["host"]:
        return True
    return bool(host >= expected["host_alone"])


def _usable_bytes(devices: Iterable[dict[str, Any]]) -> int:
    return int(sum(device.get("memory_total", 0) for device in devices) * USABLE)
