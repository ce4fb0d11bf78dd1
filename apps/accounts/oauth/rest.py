"""``/api/applications`` and ``/api/authorizations``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.oauth import applications, authorizations, management
from apps.accounts.oauth.applications import GRANTS


class _Changeable(serializers.Serializer[Any]):
    redirect_uris = serializers.ListField(
        child=serializers.CharField(max_length=2000),
        max_length=50,
        required=False,
        help_text="Where people are sent back to: https, or http to their own machine.",
    )
    post_logout_redirect_uris = serializers.ListField(
        child=serializers.CharField(max_length=2000), max_length=50, required=False
    )
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=100,
        required=False,
        help_text="What it may ask for at most; empty: anything.",
    )


class NewApplicationSerializer(_Changeable):
    name = serializers.CharField(max_length=100)
    grant = serializers.ChoiceField(list(GRANTS))
    project = serializers.CharField(
        required=False,
        max_length=50,
        help_text="The one project in which it may act. Superusers may leave it out: then whoever"
        " consents chooses, and an application that acts for itself may act in all.",
    )
    confidential = serializers.BooleanField(
        required=False, default=True, help_text="Whether it can keep a secret."
    )


class ChangeApplicationSerializer(_Changeable):
    name = serializers.CharField(max_length=100, required=False)
    disabled = serializers.BooleanField(required=False, help_text="Its tokens open nothing.")


class ApplicationSerializer(serializers.Serializer[Any]):
    client_id = serializers.CharField()
    name = serializers.CharField()
    project = serializers.CharField(allow_null=True)
    owner = serializers.CharField(
        allow_blank=True, help_text="Who made it; with client credentials it acts for them."
    )
    grant = serializers.ChoiceField(list(GRANTS))
    confidential = serializers.BooleanField()
    redirect_uris = serializers.ListField(child=serializers.CharField())
    post_logout_redirect_uris = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    disabled = serializers.BooleanField()
    created = serializers.DateTimeField()


class CreatedApplicationSerializer(ApplicationSerializer):
    client_secret = serializers.CharField(
        allow_blank=True, help_text="Shown this once. Empty: the application is public."
    )


class SecretSerializer(serializers.Serializer[Any]):
    client_id = serializers.CharField()
    client_secret = serializers.CharField(help_text="Shown this once.")


class AuthorizationSerializer(serializers.Serializer[Any]):
    client_id = serializers.CharField()
    name = serializers.CharField(help_text="The application's.")
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.CharField(allow_null=True, help_text="`*`: all.")
    since = serializers.DateTimeField()
    expires = serializers.DateTimeField(help_text="Of its access token, which it may renew.")


class RevokedSerializer(serializers.Serializer[Any]):
    client_id = serializers.CharField()
    revoked = serializers.IntegerField(help_text="Access and refresh tokens.")


@extend_schema_view(
    get=extend_schema(
        responses=ApplicationSerializer(many=True), summary="List OAuth applications"
    ),
    post=extend_schema(
        request=NewApplicationSerializer,
        responses={201: CreatedApplicationSerializer},
        summary="Register an OAuth application",
    ),
)
class ApplicationsView(APIView):
    def get(self, request: Request) -> Response:
        found = management.visible(request)
        return Response(ApplicationSerializer(found, many=True).data)

    def post(self, request: Request) -> Response:
        given = NewApplicationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        secret, made = management.create(request, given.validated_data)
        body = {**ApplicationSerializer(made).data, "client_secret": secret}
        return Response(body, status=201)


@extend_schema_view(
    get=extend_schema(responses=ApplicationSerializer, summary="Look at an OAuth application"),
    patch=extend_schema(
        request=ChangeApplicationSerializer,
        responses=ApplicationSerializer,
        summary="Change an OAuth application",
    ),
    delete=extend_schema(
        responses={200: ApplicationSerializer},
        summary="Remove an OAuth application with its tokens",
    ),
)
class ApplicationView(APIView):
    def get(self, request: Request, client_id: str) -> Response:
        application = applications.find(client_id)
        return Response(ApplicationSerializer(applications.info(application)).data)

    def patch(self, request: Request, client_id: str) -> Response:
        application = applications.find(client_id)
        given = ChangeApplicationSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changed = management.change(request, application, given.validated_data)
        return Response(ApplicationSerializer(changed).data)

    def delete(self, request: Request, client_id: str) -> Response:
        application = applications.find(client_id)
        return Response(ApplicationSerializer(management.remove(request, application)).data)


@extend_schema_view(
    post=extend_schema(
        request=None,
        responses=SecretSerializer,
        summary="Give an OAuth application a new secret",
    ),
)
class ApplicationSecretView(APIView):
    def post(self, request: Request, client_id: str) -> Response:
        application = applications.find(client_id)
        secret = management.new_secret(request, application)
        return Response({"client_id": client_id, "client_secret": secret})


@extend_schema_view(
    get=extend_schema(
        responses=AuthorizationSerializer(many=True),
        summary="List the applications that may act for you",
    ),
)
class AuthorizationsView(APIView):
    def get(self, request: Request) -> Response:
        found = authorizations.of(management.person(request))
        return Response(AuthorizationSerializer(found, many=True).data)


@extend_schema_view(
    delete=extend_schema(
        responses={200: RevokedSerializer},
        summary="Let an application act for you no longer",
    ),
)
class AuthorizationView(APIView):
    def delete(self, request: Request, client_id: str) -> Response:
        revoked = management.revoke_own(request, client_id)
        return Response({"client_id": client_id, "revoked": revoked})
