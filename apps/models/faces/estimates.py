"""``/api/estimate``: what one replica of a model takes, engine by engine, before it is launched."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.catalogue.choice import choices, size_of, spec_for
from apps.models.catalogue.schema import Family, Format
from apps.models.control.peers import with_token
from apps.models.events.history import read_number
from apps.models.faces.files import family_of, first_node, source_for
from apps.models.faces.registrations import check_kind
from apps.models.facts import (
    Estimate,
    Facts,
    Machine,
    correct,
    correction_key,
    estimate,
    facts_of_family,
    from_dict,
    machine,
    match,
)
from apps.models.models import Kind, MemorySample
from apps.models.nodes.ask import ask_node
from apps.models.orders import LaunchOrder, Placement
from apps.models.permitted import UNSAFE
from apps.models.resolve import resolve
from xplatform.core.config import settings
from xplatform.core.errors import Forbidden, InvalidValue, MissingField, PlatformError
from xplatform.structs import StructSerializer, ToldSerializer

_READ_SECONDS = 60.0
_MOST_SLOTS, _MOST_TOKENS = 4096, 2**31 - 1
_ACCELERATORS = ("cuda", "rocm", "metal")

_PARAMETERS = [
    OpenApiParameter(
        "name", str, description="Of the catalogue, a registration, or a repository (owner/name)."
    ),
    OpenApiParameter("path", str, description="Or: a file or folder on a node."),
    OpenApiParameter("hub", str, description="Where the repository `name` lies."),
    OpenApiParameter("revision", str, description="Of the repository `name`."),
    OpenApiParameter("node", str, description="Where the path is, and what it is to run on."),
    OpenApiParameter("kind", str, enum=Kind.values),
    OpenApiParameter("engine", str, description="Only this one."),
    OpenApiParameter("size", str, description="Billions of parameters."),
    OpenApiParameter("format", str, enum=sorted(get_args(Format))),
    OpenApiParameter("quantization", str),
    OpenApiParameter(
        "context_length",
        {"type": "integer", "minimum": 1, "maximum": _MOST_TOKENS},
        description="Tokens of a request.",
    ),
    OpenApiParameter(
        "slots",
        {"type": "integer", "minimum": 1, "maximum": _MOST_SLOTS},
        description="Requests that run at once; as it is set, if absent.",
    ),
]


class EstimateSerializer(StructSerializer):
    struct = Estimate


class EngineEstimateSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    reads = serializers.BooleanField(help_text="It can run the model.")
    reason = serializers.CharField(help_text="Why it cannot, or why nobody knows what it takes.")
    reasons = ToldSerializer(many=True, help_text="The same for other languages, if they can.")
    estimate = EstimateSerializer(allow_null=True)
    size = serializers.CharField(required=False, help_text="Of a family: what was chosen.")
    format = serializers.CharField(required=False)
    quantization = serializers.CharField(required=False)


class ChosenSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    size = serializers.CharField()
    format = serializers.CharField()
    quantization = serializers.CharField()


class EstimatesSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="The family, or the path.")
    engines = EngineEstimateSerializer(many=True)
    chosen = ChosenSerializer(
        allow_null=True,
        help_text="Of a family: what a launch that says no more would take; null: nothing runs.",
    )
    slots = serializers.IntegerField()
    context_length = serializers.IntegerField(allow_null=True)
    node = serializers.CharField(help_text="That it was estimated for; empty: none is up.")


@extend_schema_view(
    get=extend_schema(
        parameters=_PARAMETERS,
        responses=EstimatesSerializer,
        summary="Estimate the memory of a model",
    )
)
class EstimateView(APIView):
    def get(self, request: Request) -> Response:
        query = {name: str(text) for name, text in request.query_params.items() if text}
        slots = read_number(query, "slots", 1, _MOST_SLOTS, None) or settings().slots
        context = read_number(query, "context_length", 1, _MOST_TOKENS, None)
        where = machine_for(query.get("node", ""))
        engine = query.get("engine")
        name, path = query.get("name", ""), query.get("path", "")
        who = caller(request)
        if path and not who.unsafe:
            raise Forbidden(
                f"`path` reads files of the machine: that needs the permission {UNSAFE}.",
                param="path",
            )
        if path or "/" in name:
            found: dict[str, Any] = {
                "model": path,
                "engines": engines_of(_read(query), engine, slots, context, where),
                "chosen": None,
            }
        elif name:
            family = family_of(name, check_kind(query.get("kind")), who.project)
            found = {
                "model": family.name,
                "engines": _of_family(family, query, engine, slots, context, where),
                "chosen": _chosen(family, query, slots, context, who.project),
            }
        else:
            raise MissingField("Say of what: `name` or `path`.", param="name")
        if engine and not found["engines"]:
            raise InvalidValue(f"`engine` {engine[:50]!r} is not known.", param="engine")
        return Response({**found, "slots": slots, "context_length": context, "node": where.name})


def _chosen(
    family: Family, query: dict[str, str], slots: int, context: int | None, project: str | None
) -> dict[str, Any] | None:
    node = query.get("node")
    order = LaunchOrder(
        uid=family.name,
        kind=family.kind,
        family=family.name,
        engine=query.get("engine", ""),
        size=query.get("size", ""),
        format=query.get("format", ""),
        quantization=query.get("quantization", ""),
        slots=slots,
        context_length=context,
        placement=Placement(nodes=(node,) if node else ()),
        project=project or "",
        # Whether its code may run is asked at the launch.
        trust_remote_code=True,
    )
    try:
        found = resolve(order)
    except PlatformError:
        return None
    return {name: getattr(found, name) for name in ChosenSerializer().fields.keys()}  # noqa: SIM118


def machine_for(node: str) -> Machine:
    """The one that is asked for, or that has an accelerator, or any."""
    pictures = [machine(msgspec.to_builtins(one)) for one in api.nodes() if one.state == "up"]
    if node:
        pictures = [one for one in pictures if one.name == node]
        if not pictures:
            raise InvalidValue(f"`node` {node[:100]!r} is not there, or silent.", param="node")
    pictures.sort(key=lambda one: not _accelerator(one))
    return pictures[0] if pictures else Machine()


def _accelerator(where: Machine) -> str:
    return next((kind for kind in _ACCELERATORS if kind in where.devices), "")


def _read(query: dict[str, str]) -> Facts:
    """Of a path or a repository: read by a node."""
    question: dict[str, Any] = {"quantization": query.get("quantization", "")}
    if path := query.get("path"):
        question["path"] = path
    else:
        question["source"] = with_token(msgspec.to_builtins(source_for(query, None)))
    node = query.get("node") or first_node()
    return from_dict(ask_node(node, "facts.read", question, timeout=_READ_SECONDS)["facts"])


def _of_family(
    family: Family,
    query: dict[str, str],
    engine: str | None,
    slots: int,
    context: int | None,
    where: Machine,
) -> list[dict[str, Any]]:
    """For each engine the first version that it runs, or why it runs none."""
    size = size_of(query.get("size"), "size")
    wanted = query.get("quantization")
    formats = dict.fromkeys(
        way.spec.format for way in choices(family, query.get("format"), size, wanted)
    )
    rows: dict[str, dict[str, Any]] = {}
    for format in formats:
        way = spec_for(family, format, size, wanted)
        facts = facts_of_family(family, way.spec, way.quantization)
        for row in engines_of(facts, engine, slots, context, where):
            known = rows.get(row["engine"])
            if known is None or (row["reads"] and known["estimate"] is None):
                version = {
                    "size": way.spec.size,
                    "format": way.spec.format,
                    "quantization": way.quantization,
                }
                rows[row["engine"]] = {**row, **version}
    return sorted(rows.values(), key=lambda row: row["estimate"] is None)


def engines_of(
    facts: Facts, engine: str | None, slots: int, context: int | None, where: Machine
) -> list[dict[str, Any]]:
    rows = []
    for one in match(facts, where, [engine] if engine else None):
        row: dict[str, Any] = {"engine": one.engine, "reads": one.ok}
        row |= {"reason": one.reason, "reasons": [why.told() for why in one.reasons]}
        row["estimate"] = None
        rows.append(row)
        if not one.ok:
            continue
        try:
            found = estimate(facts, one.engine, slots, context, accelerator=_accelerator(where))
        except PlatformError as error:
            row["reason"] = str(error)
            row["reasons"] = [error.reason.told()] if error.reason else []
            continue
        sample = MemorySample.objects.filter(key=correction_key(facts, one.engine)).first()
        if sample is not None:
            found = correct(found, sample.ratio)
        row["estimate"] = msgspec.to_builtins(found)
    return rows
