"""``/api/keys``: people make, rotate and revoke their keys, and admins those of their project."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import keys
from apps.accounts.asking import actor_of
from apps.accounts.records import KEY_STATES


class KeySerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the key, to tell keys apart.")
    owner = serializers.CharField()
    project = serializers.CharField(help_text="Empty: a superuser's key for all projects.")
    state = serializers.ChoiceField(KEY_STATES)
    actions = serializers.ListField(
        child=serializers.CharField(), help_text="Empty: all that its owner may."
    )
    models = serializers.ListField(child=serializers.CharField(), help_text="Empty: all models.")
    networks = serializers.ListField(child=serializers.CharField(), help_text="Empty: anywhere.")
    created = serializers.DateTimeField()
    last_used = serializers.DateTimeField(allow_null=True)
    expires = serializers.DateTimeField(allow_null=True)
    revoked = serializers.DateTimeField(allow_null=True)
    rotated_to = serializers.CharField(
        allow_null=True, help_text="Id of the key that took its place."
    )
    valid_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when a rotated key works beside its successor."
    )


def _texts(length: int, text: str) -> Any:
    return serializers.ListField(
        child=serializers.CharField(max_length=length),
        required=False,
        default=list,
        max_length=100,
        help_text=text,
    )


class NewKeySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="What the key is for.")
    owner = serializers.CharField(
        required=False,
        help_text="Name of a user, yourself if absent. Others' keys need keys.manage.",
    )
    project = serializers.CharField(required=False, help_text="The one that you act in, if absent.")
    actions = _texts(
        50, "What it may do, by the permissions' names; empty: all that its owner may."
    )
    models = _texts(200, "Globs of models' names that it may call; empty: all.")
    networks = _texts(50, "Networks (CIDR) from which it may be used; empty: anywhere.")
    expires = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RotateKeySerializer(serializers.Serializer[Any]):
    overlap_seconds = serializers.IntegerField(
        required=False,
        default=int(keys.OVERLAP.total_seconds()),
        min_value=0,
        max_value=int(keys.LONGEST_OVERLAP.total_seconds()),
        help_text="For so long the old key works, too.",
    )


class CreatedKeySerializer(KeySerializer):
    key = serializers.CharField(help_text="The key itself. It is shown this once.")


@extend_schema_view(
    get=extend_schema(responses=KeySerializer(many=True), summary="List API keys"),
    post=extend_schema(
        request=NewKeySerializer, responses={201: CreatedKeySerializer}, summary="Make an API key"
    ),
)
class KeysView(APIView):
    def get(self, request: Request) -> Response:
        return Response(KeySerializer(keys.keys(actor_of(request)), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        owner = values.pop("owner", None)
        actor = actor_of(request)
        token, record = keys.create_key(**values, owner_name=owner, by=actor)
        body = KeySerializer(keys.key_info(record.id)).data
        return Response({**body, "key": token}, status=201)


@extend_schema_view(
    get=extend_schema(responses=KeySerializer, summary="Look at an API key"),
    delete=extend_schema(responses={200: KeySerializer}, summary="Revoke an API key, for good"),
)
class KeyView(APIView):
    def get(self, request: Request, key_id: str) -> Response:
        return Response(KeySerializer(keys.key_info(key_id, actor_of(request))).data)

    def delete(self, request: Request, key_id: str) -> Response:
        return Response(KeySerializer(keys.revoke_key(key_id, actor_of(request))).data)


@extend_schema_view(
    post=extend_schema(
        request=RotateKeySerializer,
        responses={201: CreatedKeySerializer},
        summary="Make a key in place of one, which works on for a while",
    ),
)
class RotateKeyView(APIView):
    def post(self, request: Request, key_id: str) -> Response:
        given = RotateKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        overlap = timedelta(seconds=given.validated_data["overlap_seconds"])
        token, record = keys.rotate_key(key_id, overlap=overlap, by=actor_of(request))
        body = KeySerializer(keys.key_info(record.id)).data
        return Response({**body, "key": token}, status=201)
