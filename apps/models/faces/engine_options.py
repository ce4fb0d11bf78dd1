"""``/api/engine-options``: what may be set at a launch, for people and their forms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models.faces.registrations import check_kind
from apps.models.models import Kind
from xplatform.core.errors import InvalidValue
from xplatform.engines.options import LLAMA_CPP_ALIASES, OPTIONS

_TYPES = ("bool", "int", "float", "str")


@extend_schema_field(
    {
        "nullable": True,
        "anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "string"}],
    }
)
class _ValueField(serializers.JSONField):
    pass


class EngineOptionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(_TYPES)
    default = _ValueField(
        allow_null=True, help_text="null: decided by the engine, from model and machine."
    )
    help = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField(), help_text="Empty: any value.")
    kinds = serializers.ListField(
        child=serializers.CharField(), help_text="Of models that it is for; empty: all."
    )
    least = serializers.IntegerField(allow_null=True)
    risky = serializers.BooleanField(help_text="Opens a file or runs code: needs launches.unsafe.")
    harmless = serializers.ListField(
        child=serializers.CharField(),
        help_text="Of a text: any other value needs launches.unsafe; empty: none does.",
    )


class EngineOptionsSerializer(serializers.Serializer[Any]):
    engine = serializers.CharField()
    options = EngineOptionSerializer(many=True)
    aliases = serializers.DictField(
        child=serializers.CharField(), help_text="Other ways to write a name → the name."
    )


class EngineOptionsView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("engine", OpenApiTypes.STR, description="Only this one's."),
            OpenApiParameter(
                "kind", str, enum=Kind.values, description="Only what such a model can have."
            ),
        ],
        responses=EngineOptionsSerializer(many=True),
        summary="What may be set at a launch, engine by engine",
    )
    def get(self, request: Request) -> Response:
        kind = check_kind(request.query_params.get("kind")) or ""
        only = request.query_params.get("engine", "")
        if only and only not in OPTIONS:
            raise InvalidValue(f"`engine` {only[:50]!r} is not known.", param="engine")
        found = [
            {
                "engine": engine,
                "options": [asdict(option) for option in options if option.fits(kind)],
                "aliases": LLAMA_CPP_ALIASES if engine == "llama.cpp" else {},
            }
            for engine, options in OPTIONS.items()
            if only in ("", engine)
        ]
        return Response(EngineOptionsSerializer(found, many=True).data)
