"""``/api/launches``."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.serializers import (
    AdaptersSerializer,
    LaunchDetailSerializer,
    LaunchSerializer,
    NewLaunchSerializer,
    adapters,
    order,
)
from xplatform.core.errors import InvalidValue


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter(
                "past",
                bool,
                default=False,
                description="Instead of what there is: what was launched by hand and terminated,"
                " newest first, as long as it is remembered.",
            )
        ],
        responses=LaunchSerializer(many=True),
        summary="List launches",
    ),
    post=extend_schema(
        request=NewLaunchSerializer,
        responses={201: LaunchDetailSerializer},
        summary="Launch a model",
    ),
)
class LaunchesView(APIView):
    def get(self, request: Request) -> Response:
        past = request.query_params.get("past") or "false"
        if past not in ("true", "1", "false", "0"):
            raise InvalidValue("`past` is true or false.", param="past")
        asked = api.past_launches if past in ("true", "1") else api.launches
        found = asked(caller(request).project)
        return Response(LaunchSerializer(found, many=True).data)

    def post(self, request: Request) -> Response:
        given = NewLaunchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        values |= caller(request).order(values.pop("shared", False))
        return Response(LaunchDetailSerializer(api.launch(order(values))).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=LaunchDetailSerializer, summary="Look at a launch"),
    delete=extend_schema(responses={200: LaunchDetailSerializer}, summary="Terminate a launch"),
)
class LaunchView(APIView):
    def get(self, request: Request, uid: str) -> Response:
        return Response(LaunchDetailSerializer(api.launch_info(uid, caller(request).project)).data)

    def delete(self, request: Request, uid: str) -> Response:
        who = caller(request)
        info = api.terminate(uid, who.name, within=who.project)
        return Response(LaunchDetailSerializer(info).data)


@extend_schema_view(
    put=extend_schema(
        request=AdaptersSerializer,
        responses=LaunchDetailSerializer,
        summary="Attach and detach LoRA adapters",
    )
)
class AdaptersView(APIView):
    """All that the model shall have: running replicas change theirs as they go."""

    def put(self, request: Request, uid: str) -> Response:
        given = AdaptersSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = adapters(given.validated_data)
        who = caller(request)
        info = api.set_adapters(uid, wanted, who.name, within=who.project, unsafe=who.unsafe)
        return Response(LaunchDetailSerializer(info).data)
