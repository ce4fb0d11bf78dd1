"""``/api/keys``: administrators list, make and revoke API keys."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import api

STATES = ["active", "rotated", "revoked", "expired", "owner disabled", "project archived"]


class KeySerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the key, to tell keys apart.")
    owner = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    created = serializers.DateTimeField()
    last_used = serializers.DateTimeField(allow_null=True)
    expires = serializers.DateTimeField(allow_null=True)
    revoked = serializers.DateTimeField(allow_null=True)


class NewKeySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="What the key is for.")
    owner = serializers.CharField(
        required=False, help_text="Name of a user; the first administrator if absent."
    )
    expires = serializers.DateTimeField(required=False, allow_null=True, default=None)


class CreatedKeySerializer(KeySerializer):
    key = serializers.CharField(help_text="The key itself. It is shown this once.")


@extend_schema_view(
    get=extend_schema(responses=KeySerializer(many=True), summary="List API keys"),
    post=extend_schema(
        request=NewKeySerializer, responses={201: CreatedKeySerializer}, summary="Make an API key"
    ),
)
class KeysView(APIView):
    permission_classes = [IsAdminUser]

    def get(self, request: Request) -> Response:
        return Response(KeySerializer(api.keys(), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        token, record = api.create_key(
            values["name"], owner_name=values.get("owner"), expires=values["expires"]
        )
        body = KeySerializer(api.key_info(record.id)).data
        return Response({**body, "key": token}, status=201)


@extend_schema_view(
    get=extend_schema(responses=KeySerializer, summary="Look at an API key"),
    delete=extend_schema(responses=KeySerializer, summary="Revoke an API key, for good"),
)
class KeyView(APIView):
    permission_classes = [IsAdminUser]

    def get(self, request: Request, key_id: str) -> Response:
        return Response(KeySerializer(api.key_info(key_id)).data)

    def delete(self, request: Request, key_id: str) -> Response:
        return Response(KeySerializer(api.revoke_key(key_id)).data)
