"""Which engines can run a model, in which of its sizes, formats and quantizations, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import NodeInfo
from apps.models.catalogue.schema import Family
from apps.models.facts import Machine, Offer, facts_of_family, machine, match_family
from apps.models.xinference import families
from apps.models.xinference.face import Face, documented, project, query, said
from apps.models.xinference.names import engine_name, kind_of, size_shown
from xplatform.engines.rules import why_not

_TAG = "engines"


class EnginesFace(Face):
    @documented(
        "Engines that can run a model",
        tag=_TAG,
        answer={
            "type": "object",
            "description": "engine → [what it can run: model_format, model_size_in_billions,"
            " quantizations] or why it cannot.",
        },
        query=[query("enable_virtual_env", "Taken, and without effect: engines always have one.")],
    )
    def get(self, request: Request, model_name: str, model_type: str = "LLM") -> Response:
        kind = kind_of(model_type)
        family, _ = families.one(model_name, kind, project(request))
        return said(engines_of(family, [node for node in api.nodes() if node.state == "up"]))


class LanguageEnginesFace(EnginesFace):
    """Without a type it is a language model."""

    @documented(
        "Engines that can run a language model", tag=_TAG, operation_id="v1_engines_of_llm_retrieve"
    )
    def get(self, request: Request, model_name: str) -> Response:  # type: ignore[override]
        return super().get(request, model_name)


class VllmFace(Face):
    @documented("Language models that vLLM can run", tag=_TAG)
    def get(self, request: Request) -> Response:
        names: dict[str, list[str]] = {"chat": [], "generate": []}
        for family, _ in families.of_kind("llm", project(request)):
            facts = [facts_of_family(family, spec, spec.quantizations[0]) for spec in family.specs]
            if any(why_not("vllm", each) is None for each in facts):
                names["chat" if "chat" in family.abilities else "generate"].append(family.name)
        return said(names)


def engines_of(family: Family, nodes: Sequence[NodeInfo]) -> dict[str, Any]:
    """On any of the nodes; those that can come first."""
    # Machines that are alike in all that counts are asked about once.
    alike = {replace(machine(asdict(node)), name="") for node in nodes} or {Machine()}
    found = match_family(family, alike)
    return {
        engine_name(engine): offers if isinstance(offers, str) else _sets(family, offers)
        for engine, offers in found.items()
    }


def _sets(family: Family, offers: Sequence[Offer]) -> list[dict[str, Any]]:
    """One entry for each size and format."""
    sets: dict[tuple[str, str], dict[str, Any]] = {}
    for offer in offers:
        entry = sets.setdefault(
            (offer.format, offer.size),
            {
                "model_name": family.name,
                "model_format": offer.format,
                "model_size_in_billions": size_shown(offer.size),
                "quantizations": [],
            },
        )
        entry["quantizations"] += [
            name for name in offer.quantizations if name not in entry["quantizations"]
        ]
        for spec in family.specs:
            if spec.projectors and (spec.format, spec.size) == (offer.format, offer.size):
                entry["multimodal_projectors"] = list(spec.projectors)
    return list(sets.values())
