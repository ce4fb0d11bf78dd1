"""Which engines run a family, in which sizes, formats and quantizations, on which nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from apps.models.catalogue.schema import Family, Spec
from apps.models.facts.matching import NodePicture, machine
from apps.models.facts.rough import facts_of_family
from xplatform.engines import rules
from xplatform.engines.reason import Reason
from xplatform.engines.rules import Machine


class Offer(msgspec.Struct, frozen=True):
    """One row: an engine can run these quantizations of a size in a format."""

    engine: str
    format: str
    size: str
    quantizations: tuple[str, ...]
    #: names of the nodes that can; empty: no nodes were asked about
    nodes: tuple[str, ...]
    #: packages beyond the engine's own
    packages: tuple[str, ...] = ()


def match_family(
    family: Family,
    nodes: Iterable[NodePicture] = (),
    *,
    engines: Iterable[str] | None = None,
    size: str = "",
    format: str = "",
    quantization: str = "",
) -> dict[str, list[Offer] | str]:
    """Engine → what it runs of the family, or why it runs none of it; those that can come first.
    ``size``, ``format`` and ``quantization`` leave out the others. Without nodes, what would run
    on some machine."""
    machines = [machine(node) for node in nodes]
    specs = [
        spec for spec in family.specs if size in ("", spec.size) and format in ("", spec.format)
    ]
    names = [name for name in rules.RULES if name != "fake"] if engines is None else list(engines)
    found = {
        name: _offers(name, family, specs, quantization, machines)
        for name in names
        if name in rules.RULES
    }
    return dict(sorted(found.items(), key=lambda entry: isinstance(entry[1], str)))


def _offers(
    engine: str, family: Family, specs: Sequence[Spec], wanted: str, machines: Sequence[Machine]
) -> list[Offer] | str:
    offers: list[Offer] = []
    reasons: dict[Reason, None] = {}
    for spec in specs:
        able: dict[tuple[str, ...], list[str]] = {}
        packages: tuple[str, ...] = ()
        for quantization in spec.quantizations:
            if wanted and quantization.lower() != wanted.lower():
                continue
            facts = facts_of_family(family, spec, quantization)
            packages = dict(rules.RULES[engine].packages).get(facts.format, ())
            where = []
            for picture in machines or (None,):
                reason = rules.why_not(engine, facts, picture)
                if reason is None:
                    where.append(picture.name if picture else "")
                else:
                    reasons[reason] = None
            if where:
                able.setdefault(tuple(name for name in where if name), []).append(quantization)
        offers += [
            Offer(engine, spec.format, spec.size, tuple(names), where, packages)
            for where, names in able.items()
        ]
    if not rules.in_this_version(engine):
        further = f"; and it {next(iter(reasons))}" if not offers and reasons else ""
        return f"{rules.NOT_HERE}{further}"
    if offers:
        return offers
    told = "; ".join(map(str, list(reasons)[:3]))
    return told or "the family has no such size, format or quantization"
