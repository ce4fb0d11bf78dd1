"""``/api/engines``: engines, and their environments on the nodes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import engines
from xplatform.structs import StructSerializer


class EngineInfoSerializer(StructSerializer):
    struct = engines.EngineInfo


class InstallSerializer(serializers.Serializer[Any]):
    node = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Empty: all that are up."
    )


class InstallingSerializer(StructSerializer):
    struct = engines.Installing


@extend_schema_view(
    get=extend_schema(
        responses=EngineInfoSerializer(many=True),
        summary="List engines",
        description="What each serves, what of it is on which node, how far an installation is,"
        " and why it runs nothing there. Of a node that does not answer it says so, and what it"
        " told last.",
    )
)
class EnginesView(APIView):
    def get(self, request: Request) -> Response:
        return Response(EngineInfoSerializer(engines.engines(), many=True).data)


@extend_schema_view(
    post=extend_schema(
        request=InstallSerializer,
        responses={202: InstallingSerializer},
        summary="Install an engine's environment ahead",
        description="Begins, and answers at once; the list of engines tells how far it is. Where it"
        " is there already nothing is done. Of several nodes one that cannot begin stops none.",
    )
)
class InstallView(APIView):
    def post(self, request: Request, engine: str) -> Response:
        given = InstallSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        begun = engines.install(engine, given.validated_data["node"])
        return Response(InstallingSerializer(begun).data, status=202)


@extend_schema_view(
    delete=extend_schema(
        responses={204: None}, summary="Remove one version of an engine's environment"
    )
)
class EnvironmentView(APIView):
    def delete(self, request: Request, engine: str, node: str, version: str) -> Response:
        engines.remove(engine, node, version)
        return Response(status=204)
