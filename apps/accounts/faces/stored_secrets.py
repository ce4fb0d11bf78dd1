"""``/api/settings/secrets``: entered and replaced, never shown."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import stored_secrets
from apps.accounts.asking import actor_of


class StoredSecretSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    about = serializers.CharField(help_text="What it is for.")
    is_set = serializers.BooleanField()
    set_at = serializers.DateTimeField(allow_null=True)
    set_by = serializers.CharField()


class SecretValueSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(max_length=4000, write_only=True)


@extend_schema_view(
    get=extend_schema(
        responses=StoredSecretSerializer(many=True),
        summary="See which secrets are stored, and since when",
    ),
)
class StoredSecretsView(APIView):
    def get(self, request: Request) -> Response:
        return Response(StoredSecretSerializer(stored_secrets.stored_secrets(), many=True).data)


@extend_schema_view(
    put=extend_schema(
        request=SecretValueSerializer,
        responses=StoredSecretSerializer,
        summary="Store a secret, which is not shown again",
    ),
    delete=extend_schema(responses={200: StoredSecretSerializer}, summary="Remove a stored secret"),
)
class StoredSecretView(APIView):
    def put(self, request: Request, name: str) -> Response:
        given = SecretValueSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        value = given.validated_data["value"]
        info = stored_secrets.set_secret(name, value, actor_of(request))
        return Response(StoredSecretSerializer(info).data)

    def delete(self, request: Request, name: str) -> Response:
        info = stored_secrets.remove_secret(name, actor_of(request))
        return Response(StoredSecretSerializer(info).data)
