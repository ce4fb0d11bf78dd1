"""``/api/catalogue``: all families that can be launched by a name, and what of them runs here."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import Caller, caller
from apps.models.catalogue.choice import filled, source_of
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family, Format
from apps.models.faces.files import cached_files, family_of
from apps.models.faces.registrations import FamilySerializer, check_kind
from apps.models.models import Kind
from apps.models.runs_here import Verdict, Way, rooms_here, verdicts, ways
from xplatform.files import Source
from xplatform.structs import StructSerializer

_KIND = OpenApiParameter("kind", str, enum=Kind.values)
_KIND_IN_PATH = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=Kind.values)
#: of a description in a list
_SHORT = 200


class VerdictSerializer(StructSerializer):
    struct = Verdict


class RegisteredHereSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    project = serializers.CharField()
    owner = serializers.CharField(help_text="Who registered it.")
    shared = serializers.BooleanField()
    created = serializers.DateTimeField()


class FamilyLineSerializer(serializers.Serializer[Any]):
    """A family in a list; `/api/catalogue/{kind}/{name}` has all of it."""

    kind = serializers.ChoiceField(Kind.values)
    name = serializers.CharField()
    description = serializers.CharField(help_text="Its beginning.")
    abilities = serializers.ListField(child=serializers.CharField())
    context_length = serializers.IntegerField(allow_null=True)
    languages = serializers.ListField(child=serializers.CharField())
    licence = serializers.CharField(help_text="Empty: not known.")
    sizes = serializers.ListField(
        child=serializers.CharField(), help_text="Billions of parameters; the smallest first."
    )
    formats = serializers.ListField(child=serializers.ChoiceField(sorted(get_args(Format))))
    registered = RegisteredHereSerializer(
        allow_null=True, help_text="By somebody here; null: it comes with the platform."
    )
    here = VerdictSerializer(help_text="What of it runs on these machines.")
    cached = serializers.BooleanField(
        allow_null=True, help_text="Files of it are on a node; null for those who may not see that."
    )


class WayLine(Way, frozen=True):
    #: where its files are
    sources: list[Source]
    #: nodes that have all of them
    nodes: list[str]


class WayLineSerializer(StructSerializer):
    struct = WayLine


class WaysSerializer(serializers.Serializer[Any]):
    registered = RegisteredHereSerializer(allow_null=True)
    ways = WayLineSerializer(many=True)


@extend_schema_view(
    get=extend_schema(
        parameters=[
            _KIND,
            OpenApiParameter("search", str, description="Words; the best match first."),
        ],
        responses=FamilyLineSerializer(many=True),
        summary="Search the catalogue",
        operation_id="catalogue_list",
    )
)
class CatalogueView(APIView):
    """With the families that were registered here and that the project sees."""

    def get(self, request: Request) -> Response:
        kind = check_kind(request.query_params.get("kind"))
        words = request.query_params.get("search", "")
        who = caller(request)
        found = library().search(words, kind) if words else library().families(kind)
        own = {
            (info.kind, info.name): info
            for info in api.registrations(kind, who.project)
            if all(word in info.name.lower() for word in words.lower().split())
        }
        families = [family for family in found if (family.kind, family.name) not in own]
        kept = _repositories_here(who)
        rooms = rooms_here()
        lines: list[tuple[Family, api.RegistrationInfo | None]] = [
            *((info.family, info) for info in own.values()),
            *((family, None) for family in families),
        ]
        return Response(
            [
                {
                    **_line(family),
                    "registered": _registered(info),
                    "here": msgspec.to_builtins(verdicts.of(family, rooms, keep=info is None)),
                    "cached": None if kept is None else _is_cached(family, kept),
                }
                for family, info in lines
            ]
        )


@extend_schema_view(
    get=extend_schema(
        parameters=[_KIND_IN_PATH], responses=FamilySerializer, summary="Look at a family"
    )
)
class FamilyView(APIView):
    def get(self, request: Request, kind: str, name: str) -> Response:
        family = family_of(name, check_kind(kind), caller(request).project)
        return Response(msgspec.to_builtins(family))


@extend_schema_view(
    get=extend_schema(
        parameters=[_KIND_IN_PATH],
        responses=WaysSerializer,
        summary="Sizes, formats and quantizations of a family, and which run here",
    )
)
class WaysView(APIView):
    def get(self, request: Request, kind: str, name: str) -> Response:
        who = caller(request)
        family = family_of(name, check_kind(kind), who.project)
        found = api.registrations(kind, who.project)
        info = next((one for one in found if one.name == family.name), None)
        specs = [(spec, each) for spec in family.specs for each in spec.quantizations]
        all_sources = [_sources(family, spec, each) for spec, each in specs]
        files = _Files(all_sources) if who.sees_files else None
        rows = [
            {
                **msgspec.to_builtins(way),
                "sources": msgspec.to_builtins(sources),
                "nodes": files.nodes(sources) if files else [],
            }
            for way, sources in zip(ways(family, rooms_here()), all_sources, strict=True)
        ]
        return Response({"registered": _registered(info), "ways": rows})


class _Files:
    """What of some sources the nodes have; only nodes that have any are asked."""

    def __init__(self, wanted: list[list[Source]]) -> None:
        places: set[tuple[str, str]] = {
            (one.hub, one.id.lower()) for sources in wanted for one in sources
        }
        self._found = cached_files(places)

    def nodes(self, sources: list[Source]) -> list[str]:
        return [
            node
            for node, cached in self._found.items()
            if any(_has(entry, source) for entry in cached for source in sources)
        ]


def _has(entry: dict[str, Any], source: Source) -> bool:
    if (entry["hub"], entry["name"].lower()) != (source.hub, source.id.lower()):
        return False
    if source.entry:
        return source.entry in entry["files"]
    return entry["size"] > 0 and not entry["partial"]


def _sources(family: Family, spec: Any, quantization: str) -> list[Source]:
    """At each of the hubs that have it."""
    hubs = [
        repository.hub
        for repository in spec.repositories
        if not repository.quantizations or quantization in repository.quantizations
    ]
    return [source_of(spec, quantization, hub, family) for hub in dict.fromkeys(hubs)]


def _repositories_here(who: Caller) -> set[tuple[str, str]] | None:
    """(hub, name) of all that nodes told last; None: the caller may not see it."""
    if not who.sees_files:
        return None
    return {
        (entry["hub"], entry["name"].lower())
        for node in api.nodes()
        for entry in node.files.get("cached", [])
        if entry["size"] > 0
    }


def _is_cached(family: Family, kept: set[tuple[str, str]]) -> bool:
    if not kept:
        return False
    return any(
        (repository.hub, filled(repository.id, each).lower()) in kept
        for spec in family.specs
        for repository in spec.repositories
        for each in repository.quantizations or spec.quantizations
    )


def _registered(info: api.RegistrationInfo | None) -> dict[str, Any] | None:
    return None if info is None else dict(RegisteredHereSerializer(info).data)


def _line(family: Family) -> dict[str, Any]:
    """Of a list: a detailed list of all is megabytes."""
    text = family.description
    return {
        "kind": family.kind,
        "name": family.name,
        "description": text if len(text) <= _SHORT else text[:_SHORT].rsplit(" ", 1)[0] + " …",
        "abilities": list(family.abilities),
        "context_length": family.context_length,
        "languages": list(family.languages),
        "licence": family.licence,
        "sizes": sorted({spec.size for spec in family.specs if spec.size}, key=float),
        "formats": sorted({spec.format for spec in family.specs}),
    }
