"""``POST /token`` and ``/v1/auth/…``, as Xinference's clients and console call them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import signing_in, standing
from apps.accounts.asking import address_of
from apps.accounts.faces.entering import LoginSerializer, enter
from apps.accounts.tokens import actions, jwt
from apps.accounts.tokens.actions import Tokens
from apps.accounts.tokens.jwt import Claims


class TokenSerializer(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="Opens doors, as `Authorization: Bearer …`.")
    refresh_token = serializers.CharField(
        help_text="Good once, for a new pair, at `/v1/auth/refresh`."
    )
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token is good for.")
    refresh_expires_in = serializers.IntegerField()
    must_change_password = serializers.BooleanField(
        required=False, help_text="Nothing else is allowed before."
    )
    must_add_second_factor = serializers.BooleanField(
        required=False, help_text="Nothing else is allowed before."
    )


class RefreshSerializer(serializers.Serializer[Any]):
    refresh_token = serializers.CharField(max_length=2000)


class LogoutSerializer(serializers.Serializer[Any]):
    refresh_token = serializers.CharField(
        max_length=2000,
        required=False,
        default="",
        allow_blank=True,
        help_text="Absent: the login whose access token is shown.",
    )


class DoneSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()


class LoginView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        request=LoginSerializer, responses=TokenSerializer, tags=["logins"], summary="Log in"
    )
    def post(self, request: Request) -> Response:
        user = enter(request)
        client = request.META.get("HTTP_USER_AGENT", "")
        tokens = actions.begin(user, address_of(request._request), client)
        signing_in.succeeded(request._request, user, "token")
        return Response(_shown(tokens))


class RefreshView(APIView):
    authentication_classes = []
    # A form, too, like OAuth's routes for the same.
    parser_classes = [JSONParser, FormParser]
    permission_classes = [AllowAny]

    @extend_schema(
        request=RefreshSerializer,
        responses=TokenSerializer,
        tags=["logins"],
        summary="New tokens for a refresh token",
    )
    def post(self, request: Request) -> Response:
        given = RefreshSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        token = given.validated_data["refresh_token"]
        return Response(_shown(actions.renew(token, address_of(request._request))))


class LogoutView(APIView):
    # A login whose access token has expired can be ended, too.
    authentication_classes = []
    # A form, too, like OAuth's routes for the same.
    parser_classes = [JSONParser, FormParser]
    permission_classes = [AllowAny]

    @extend_schema(
        request=LogoutSerializer, responses=DoneSerializer, tags=["logins"], summary="Log out"
    )
    def post(self, request: Request) -> Response:
        given = LogoutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        address = address_of(request._request)
        if token := given.validated_data["refresh_token"]:
            actions.end(token, address)
        elif claims := _shown_access(request):
            actions.end_login(claims.login, address)
        return Response({"ok": True})


def _shown_access(request: Request) -> Claims | None:
    scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not jwt.is_token(token.strip()):
        return None
    return jwt.read(token.strip(), "access")


def _shown(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "token_type": "bearer",
        "expires_in": tokens.access_seconds,
        "refresh_expires_in": tokens.refresh_seconds,
        **standing.owed(tokens.user),
    }
