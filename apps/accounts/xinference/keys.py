"""``/v1/admin/keys…``. Keys are made and revoked here, never changed and never shown again."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import keys
from apps.accounts.actions.keys import KeyInfo
from apps.accounts.asking import actor_of
from apps.accounts.models import User
from apps.accounts.xinference.face import UnbannedSerializer, documented, ok, read
from xplatform.core.errors import Conflict, InvalidValue

_FIXED = "A key is made and revoked, never changed. Make another one, or rotate it"
_FIXED += " (POST /api/keys/{id}/rotate)."


class AllowedSerializer(serializers.Serializer[Any]):
    permission_type = serializers.ChoiceField(["all", "model_id", "model_type"])
    permission_value = serializers.CharField(required=False, allow_null=True, default=None)


class NewKeyForm(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    owner = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="A user's id; else one's own.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, default_timezone=UTC
    )
    # A list that may be null; `many=True` would take nulls within it.
    model_permissions = serializers.ListField(
        child=AllowedSerializer(), required=False, allow_null=True, default=None
    )


class NewKeyAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    key = serializers.CharField(help_text="It is shown this once.")
    prefix = serializers.CharField()
    name = serializers.CharField()


class KeyAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    user_id = serializers.IntegerField()
    owner_username = serializers.CharField()
    key_prefix = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    enabled = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    model_permissions = AllowedSerializer(many=True)
    created_at = serializers.DateTimeField()


class KeyChangeForm(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(required=False, help_text="false revokes it, for good.")


class ModelPermissionsForm(serializers.Serializer[Any]):
    model_permissions = AllowedSerializer(many=True)


class BannedSerializer(serializers.Serializer[Any]):
    ip = serializers.CharField()
    banned_until = serializers.FloatField()
    remaining_seconds = serializers.IntegerField()


class IpSerializer(serializers.Serializer[Any]):
    ip = serializers.CharField(max_length=64)


class KeysFace(APIView):
    @documented(
        "List API keys",
        answer=KeyAnswer(many=True),
        parameters=[OpenApiParameter("owner", int, description="Only keys of this user.")],
    )
    def get(self, request: Request) -> Response:
        owner = request.query_params.get("owner", "")
        if owner and not owner.isdecimal():
            raise InvalidValue("`owner` is the id of a user, a number.", param="owner")
        ids = _ids()
        rows = [_row(info, ids) for info in keys.keys(actor_of(request))]
        return Response([row for row in rows if not owner or row["user_id"] == int(owner)])

    @documented("Make an API key", body=NewKeyForm, answer=NewKeyAnswer, status=201)
    def post(self, request: Request) -> Response:
        given = read(NewKeyForm, request)
        token, record = keys.create_key(
            given["name"],
            owner_id=given["owner"],
            models=_globs(given["model_permissions"] or []),
            expires=given["expires_at"],
            by=actor_of(request),
        )
        info = keys.key_info(record.id)
        body = {"id": info.id, "key": token, "prefix": info.prefix, "name": info.name}
        return Response(body, status=201)


class KeyFace(APIView):
    @documented("Look at an API key", answer=KeyAnswer)
    def get(self, request: Request, key_id: str) -> Response:
        return Response(_row(keys.key_info(key_id, actor_of(request)), _ids()))

    @documented("Disable an API key, for good", body=KeyChangeForm)
    def put(self, request: Request, key_id: str) -> Response:
        actor = actor_of(request)
        info = keys.key_info(key_id, actor)
        given = read(KeyChangeForm, request)
        if set(request.data) - {"enabled"}:
            raise Conflict(_FIXED)
        if given.get("enabled") is False:
            keys.revoke_key(key_id, actor)
        elif "enabled" in given and info.revoked is not None:
            raise Conflict("A key that was revoked stays so. Make another one.")
        return ok()

    @documented("Revoke an API key")
    def delete(self, request: Request, key_id: str) -> Response:
        keys.revoke_key(key_id, actor_of(request))
        return ok()


class RevealFace(APIView):
    @documented("Refused: no key is kept that could be shown")
    def get(self, request: Request, key_id: str) -> Response:
        keys.key_info(key_id, actor_of(request))
        raise Conflict(
            "A key is shown once, when it is made: the server keeps only a digest of it. Rotate it"
            " (POST /api/keys/{id}/rotate) to get a new one."
        )


class KeyPermissionsFace(APIView):
    @documented("The models that a key may call", answer=ModelPermissionsForm)
    def get(self, request: Request, key_id: str) -> Response:
        info = keys.key_info(key_id, actor_of(request))
        return Response({"model_permissions": _allowed(info)})

    @documented("Refused: a key is never changed", body=ModelPermissionsForm)
    def put(self, request: Request, key_id: str) -> Response:
        keys.key_info(key_id, actor_of(request))
        raise Conflict(_FIXED)


class KeyBannedFace(APIView):
    @documented("None: 256 random bits are not guessed, so keys are not banned",
                answer=BannedSerializer(many=True))  # fmt: skip
    def get(self, request: Request, key_id: str) -> Response:
        keys.key_info(key_id, actor_of(request))
        return Response([])


class KeyUnbanFace(APIView):
    @documented("Nothing: keys are not banned", body=IpSerializer)
    def post(self, request: Request, key_id: str) -> Response:
        keys.key_info(key_id, actor_of(request))
        read(IpSerializer, request)
        return ok()


class KeyUnbanAllFace(APIView):
    @documented("Nothing: keys are not banned", answer=UnbannedSerializer)
    def post(self, request: Request, key_id: str) -> Response:
        keys.key_info(key_id, actor_of(request))
        return Response({"unbanned": 0})


def _globs(allowed: list[dict[str, Any]]) -> list[str]:
    globs = []
    for entry in allowed:
        kind, value = entry["permission_type"], entry["permission_value"]
        if kind == "all":
            return []
        if kind == "model_type":
            raise InvalidValue(
                "Keys are for models by their names here, and not by their types: use `model_id`,"
                " where * stands for anything.",
                param="model_permissions",
            )
        if not value:
            raise InvalidValue("`permission_value` is a model's name.", param="model_permissions")
        globs.append(value)
    return globs


def _allowed(info: KeyInfo) -> list[dict[str, Any]]:
    if not info.models:
        return [{"permission_type": "all", "permission_value": None}]
    return [{"permission_type": "model_id", "permission_value": glob} for glob in info.models]


def _ids() -> dict[str, int]:
    return dict(User.objects.values_list("username", "pk"))


def _row(info: KeyInfo, ids: dict[str, int]) -> dict[str, Any]:
    return {
        "id": info.id,
        "user_id": ids.get(info.owner),
        "owner_username": info.owner,
        "key_prefix": info.prefix,
        "name": info.name,
        "description": None,
        "enabled": info.state in ("active", "rotated"),
        "expires_at": info.expires,
        "model_permissions": _allowed(info),
        "created_at": info.created,
    }
