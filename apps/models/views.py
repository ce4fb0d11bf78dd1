"""``/api/launches``."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.serializers import (
    AdaptersSerializer,
    LaunchDetailSerializer,
    LaunchSerializer,
    NewLaunchSerializer,
    adapters,
    order,
)


class AdminWrites(BasePermission):
    """Everybody with a key may look. To launch is to run any file with any option: that is for
    administrators, until there are finer roles."""

    def has_permission(self, request: Request, view: object) -> bool:
        user = request.user
        if request.method in SAFE_METHODS:
            return bool(user and user.is_authenticated)
        return bool(user and user.is_staff)


@extend_schema_view(
    get=extend_schema(responses=LaunchSerializer(many=True), summary="List launches"),
    post=extend_schema(
        request=NewLaunchSerializer,
        responses={201: LaunchDetailSerializer},
        summary="Launch a model",
    ),
)
class LaunchesView(APIView):
    permission_classes = [AdminWrites]

    def get(self, request: Request) -> Response:
        return Response(LaunchSerializer(api.launches(), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewLaunchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = {**given.validated_data, "requested_by": request.user.get_username()}
        return Response(LaunchDetailSerializer(api.launch(order(values))).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=LaunchDetailSerializer, summary="Look at a launch"),
    delete=extend_schema(responses=LaunchDetailSerializer, summary="Terminate a launch"),
)
class LaunchView(APIView):
    permission_classes = [AdminWrites]

    def get(self, request: Request, uid: str) -> Response:
        return Response(LaunchDetailSerializer(api.launch_info(uid)).data)

    def delete(self, request: Request, uid: str) -> Response:
        info = api.terminate(uid, request.user.get_username())
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

    permission_classes = [AdminWrites]

    def put(self, request: Request, uid: str) -> Response:
        given = AdaptersSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = adapters(given.validated_data)
        info = api.set_adapters(uid, wanted, request.user.get_username())
        return Response(LaunchDetailSerializer(info).data)
