"""``/api/nodes`` and ``/api/join-tokens``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.authentication import get_authorization_header
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.nodes import actions, tokens
from apps.models.nodes.serializers import (
    AdmissionSerializer,
    CreatedJoinTokenSerializer,
    JoinSerializer,
    JoinTokenSerializer,
    LabelsSerializer,
    NewJoinTokenSerializer,
)
from apps.models.serializers import NodeSerializer
from xplatform.core.errors import NotAuthenticated


@extend_schema_view(get=extend_schema(responses=NodeSerializer(many=True), summary="List nodes"))
class NodesView(APIView):
    def get(self, request: Request) -> Response:
        return Response([_shown(request, node) for node in api.nodes()])


@extend_schema_view(
    get=extend_schema(responses=NodeSerializer, summary="Look at a node"),
    patch=extend_schema(request=LabelsSerializer, responses=NodeSerializer, summary="Label a node"),
    delete=extend_schema(
        responses={204: None}, summary="Remove a node that is silent or has no replicas"
    ),
)
class NodeView(APIView):
    def get(self, request: Request, name: str) -> Response:
        return Response(_shown(request, actions.node_info(name)))

    def patch(self, request: Request, name: str) -> Response:
        given = LabelsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        by = caller(request).name
        return Response(
            NodeSerializer(actions.set_labels(name, given.validated_data["labels"], by)).data
        )

    def delete(self, request: Request, name: str) -> Response:
        actions.remove(name, caller(request).name)
        return Response(status=204)


@extend_schema_view(
    post=extend_schema(
        request=None, responses=NodeSerializer, summary="Give a node no new replicas"
    )
)
class CordonView(APIView):
    def post(self, request: Request, name: str) -> Response:
        return Response(NodeSerializer(actions.cordon(name, caller(request).name)).data)


@extend_schema_view(
    post=extend_schema(
        request=None, responses=NodeSerializer, summary="Move all replicas away from a node"
    )
)
class DrainView(APIView):
    def post(self, request: Request, name: str) -> Response:
        return Response(NodeSerializer(actions.drain(name, caller(request).name)).data)


@extend_schema_view(
    post=extend_schema(request=None, responses=NodeSerializer, summary="Use a node again")
)
class UncordonView(APIView):
    def post(self, request: Request, name: str) -> Response:
        return Response(NodeSerializer(actions.uncordon(name, caller(request).name)).data)


@extend_schema_view(
    post=extend_schema(
        request=JoinSerializer,
        responses=AdmissionSerializer,
        summary="Join the cluster, with a join token instead of an API key",
    )
)
class JoinView(APIView):
    # A join token is no API key: it lets in machines, and opens nothing else.
    authentication_classes = []

    def post(self, request: Request) -> Response:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            raise NotAuthenticated("Send `Authorization: Bearer <join token>`.")
        given = JoinSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        admission = actions.join(
            token.strip().decode("latin-1"), host=_hostname(request), **given.validated_data
        )
        return Response(asdict(admission))


@extend_schema_view(
    get=extend_schema(responses=JoinTokenSerializer(many=True), summary="List join tokens"),
    post=extend_schema(
        request=NewJoinTokenSerializer,
        responses={201: CreatedJoinTokenSerializer},
        summary="Make a join token",
    ),
)
class JoinTokensView(APIView):
    def get(self, request: Request) -> Response:
        return Response(JoinTokenSerializer(tokens.join_tokens(), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewJoinTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        token, info = tokens.create_join_token(**given.validated_data, by=caller(request).name)
        return Response({**JoinTokenSerializer(info).data, "token": token}, status=201)


@extend_schema_view(
    get=extend_schema(responses=JoinTokenSerializer, summary="Look at a join token"),
    delete=extend_schema(
        responses={200: JoinTokenSerializer},
        summary="Revoke a join token, for good, and cut off the machines that joined with it",
    ),
)
class JoinTokenView(APIView):
    def get(self, request: Request, token_id: str) -> Response:
        return Response(JoinTokenSerializer(tokens.join_token(token_id)).data)

    def delete(self, request: Request, token_id: str) -> Response:
        info = tokens.revoke_join_token(token_id, caller(request).name)
        return Response(JoinTokenSerializer(info).data)


def _shown(request: Request, node: api.NodeInfo) -> dict[str, Any]:
    """What lies on it is for those only who may see all projects' files."""
    if not caller(request).sees_files:
        node = replace(node, files={})
    return dict(NodeSerializer(node).data)


def _hostname(request: Request) -> str:
    """As the machine reached us, without the port."""
    host = request.get_host()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
