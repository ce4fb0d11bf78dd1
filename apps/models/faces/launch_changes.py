"""What can be done with a launch that exists: ``/api/launches/{uid}/…``. Thin: see actions."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.orders import LaunchOrder, Placement
from apps.models.serializers import (
    LaunchDetailSerializer,
    NewLaunchSerializer,
    PlacementSerializer,
    order,
)
from xplatform.core.errors import InvalidValue


class BoundsSerializer(serializers.Serializer[Any]):
    min_replicas = serializers.IntegerField(help_text="0: nothing runs until it is called.")
    max_replicas = serializers.IntegerField()


class AddedSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(required=False, default=1)
    placement = PlacementSerializer(
        required=False, help_text="Of these replicas; otherwise the launch's own."
    )


class RelaunchSerializer(NewLaunchSerializer):
    """The launch's name may be left out: the path has it."""

    uid = serializers.CharField(required=False)


class TargetSerializer(serializers.Serializer[Any]):
    node = serializers.CharField(required=False, help_text="Where to; empty: anywhere else.")


class SharingSerializer(serializers.Serializer[Any]):
    shared = serializers.BooleanField(help_text="Other projects see it and call it, too.")


class KeepingSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    pinned = serializers.BooleanField(
        required=False, help_text="Never pushed out for another model."
    )
    idle_seconds = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Without a request for this long it goes down to `min_replicas`; null: never.",
    )


class ChangeView(APIView):
    @staticmethod
    def read(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
        given = form(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    @staticmethod
    def show(info: api.LaunchInfo, status: int = 200) -> Response:
        return Response(LaunchDetailSerializer(info).data, status=status)


@extend_schema_view(
    post=extend_schema(
        request=None, responses=LaunchDetailSerializer, summary="Cancel a launch on its way"
    )
)
class CancelView(ChangeView):
    def post(self, request: Request, uid: str) -> Response:
        who = caller(request)
        return self.show(api.cancel(uid, who.name, within=who.project))


@extend_schema_view(
    post=extend_schema(
        request=RelaunchSerializer,
        responses={202: LaunchDetailSerializer},
        summary="Start a launch anew, as it is or with another order",
    )
)
class RelaunchView(ChangeView):
    def post(self, request: Request, uid: str) -> Response:
        who = caller(request)
        changes: LaunchOrder | None = None
        given = request.data
        if not isinstance(given, dict):
            raise InvalidValue("The body is a new order, an object; or there is none.")
        if given:
            form = NewLaunchSerializer(data={**given, "uid": uid})
            form.is_valid(raise_exception=True)
            values = dict(form.validated_data)
            if "shared" in values:
                raise InvalidValue(f"PUT /api/launches/{uid}/sharing changes that.", param="shared")
            changes = order({**values, **who.order()})
        return self.show(api.relaunch(uid, who.name, changes, who.project), status=202)


@extend_schema_view(
    put=extend_schema(
        request=SharingSerializer,
        responses=LaunchDetailSerializer,
        summary="Let all projects use it, or its own only",
    )
)
class SharingView(ChangeView):
    def put(self, request: Request, uid: str) -> Response:
        given, who = self.read(SharingSerializer, request), caller(request)
        return self.show(api.share(uid, given["shared"], who.name, within=who.project))


@extend_schema_view(
    put=extend_schema(
        request=KeepingSerializer,
        responses=LaunchDetailSerializer,
        summary="Say how long it stays, while it runs",
    )
)
class KeepingView(ChangeView):
    def put(self, request: Request, uid: str) -> Response:
        given, who = self.read(KeepingSerializer, request), caller(request)
        return self.show(api.set_keeping(uid, given, who.name, within=who.project))


@extend_schema_view(
    put=extend_schema(
        request=BoundsSerializer, responses=LaunchDetailSerializer, summary="Set the bounds"
    ),
    post=extend_schema(
        request=AddedSerializer, responses=LaunchDetailSerializer, summary="Add replicas"
    ),
)
class ReplicasView(ChangeView):
    def put(self, request: Request, uid: str) -> Response:
        given, who = self.read(BoundsSerializer, request), caller(request)
        least, most = given["min_replicas"], given["max_replicas"]
        return self.show(api.scale(uid, least, most, who.name, within=who.project))

    def post(self, request: Request, uid: str) -> Response:
        given, who = self.read(AddedSerializer, request), caller(request)
        place = convert(given["placement"], Placement) if "placement" in given else None
        return self.show(api.add_replicas(uid, given["count"], place, who.name, who.project))


@extend_schema_view(
    delete=extend_schema(responses={200: LaunchDetailSerializer}, summary="Remove this replica")
)
class ReplicaView(ChangeView):
    def delete(self, request: Request, uid: str, replica: str) -> Response:
        who = caller(request)
        return self.show(api.remove_replica(uid, replica, who.name, within=who.project))


@extend_schema_view(
    post=extend_schema(
        request=TargetSerializer, responses=LaunchDetailSerializer, summary="Move this replica"
    )
)
class MoveView(ChangeView):
    def post(self, request: Request, uid: str, replica: str) -> Response:
        given, who = self.read(TargetSerializer, request), caller(request)
        node = given.get("node") or None
        return self.show(api.move_replica(uid, replica, node, who.name, who.project))


def convert(values: dict[str, Any], form: Any) -> Any:
    """Raises InvalidValue naming the field."""
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise InvalidValue(f"{field or 'The value'}: {text}.", param=field or None) from None
