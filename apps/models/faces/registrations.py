"""``/api/registrations``: families of people's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.catalogue.convert import family_from
from apps.models.catalogue.schema import Family
from apps.models.models import Kind
from xplatform.core.errors import InvalidValue
from xplatform.structs import StructSerializer

_KIND = OpenApiParameter("kind", str, enum=Kind.values)


class FamilySerializer(StructSerializer):
    struct = Family


class RegistrationSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Kind.values)
    name = serializers.CharField()
    version = serializers.IntegerField()
    family = FamilySerializer()
    project = serializers.CharField()
    owner = serializers.CharField(help_text="Who registered it.")
    shared = serializers.BooleanField()
    created = serializers.DateTimeField()


class NewRegistrationSerializer(serializers.Serializer[Any]):
    family = serializers.DictField(help_text="In the form of the catalogue, or Xinference's.")
    kind = serializers.CharField(
        required=False, help_text="Of Xinference's form, which does not say it."
    )
    shared = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="All projects may use it."
    )
    edit = serializers.BooleanField(
        required=False, default=False, help_text="Make a new version of one that exists."
    )


def check_kind(kind: str | None) -> str | None:
    if kind and kind not in Kind.values:
        raise InvalidValue(
            f"`kind` {kind[:50]!r} is not one of: {', '.join(Kind.values)}.", param="kind"
        )
    return kind or None


def shown(info: api.RegistrationInfo) -> dict[str, Any]:
    return {**asdict(info), "family": msgspec.to_builtins(info.family)}


@extend_schema_view(
    get=extend_schema(
        parameters=[_KIND],
        responses=RegistrationSerializer(many=True),
        summary="List registrations",
    ),
    post=extend_schema(
        request=NewRegistrationSerializer,
        responses={201: RegistrationSerializer},
        summary="Register a family",
    ),
)
class RegistrationsView(APIView):
    def get(self, request: Request) -> Response:
        kind = check_kind(request.query_params.get("kind"))
        found = api.registrations(kind, caller(request).project)
        return Response(RegistrationSerializer([shown(info) for info in found], many=True).data)

    def post(self, request: Request) -> Response:
        given = NewRegistrationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        raw = values["family"]
        if kind := check_kind(values.get("kind") or raw.get("kind")):
            raw = family_from(kind, raw)
        who = caller(request)
        shared = values["shared"]
        who.check_sharing(bool(shared))
        if values["edit"]:
            info = api.edit(raw, who.name, shared, within=who.project, unsafe=who.unsafe)
        else:
            info = api.register(
                raw, who.name, bool(shared), project=who.project or "", unsafe=who.unsafe
            )
        return Response(RegistrationSerializer(shown(info)).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=RegistrationSerializer, summary="Look at a registration"),
    delete=extend_schema(responses={204: None}, summary="Delete a registration"),
)
class RegistrationView(APIView):
    def get(self, request: Request, kind: str, name: str) -> Response:
        info = api.registration(kind, name, caller(request).project)
        return Response(RegistrationSerializer(shown(info)).data)

    def delete(self, request: Request, kind: str, name: str) -> Response:
        who = caller(request)
        api.unregister(kind, name, who.name, within=who.project)
        return Response(status=204)
