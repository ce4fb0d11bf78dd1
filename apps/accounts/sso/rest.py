"""``/api/sso/providers`` for superusers, and ``/api/sso`` for whoever wants to log in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.asking import actor_of
from apps.accounts.matrix.actions import ROLES
from apps.accounts.sso import client, providers
from apps.accounts.sso.models import SsoProvider
from apps.accounts.sso.pages import absolute
from apps.accounts.sso.providers import ProviderInfo
from apps.accounts.sso.session import NotThere
from apps.audit.api import record


class RuleSerializer(serializers.Serializer[Any]):
    """Who has the value gets the role in the project, or becomes a superuser."""

    claim = serializers.CharField(min_length=1, max_length=200)
    value = serializers.CharField(min_length=1, max_length=200, help_text="A glob.")
    project = serializers.CharField(required=False)
    role = serializers.ChoiceField(ROLES, required=False)
    superuser = serializers.BooleanField(required=False, help_text="true, or not there.")


@extend_schema_field(RuleSerializer)
class RuleField(serializers.DictField):
    """What is in it ``providers`` checks, for Django's admin, too."""


class _Fields(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=100, required=False, help_text="On the button.")
    issuer = serializers.CharField(
        max_length=500,
        help_text="What `/.well-known/openid-configuration` is appended to.",
    )
    client_id = serializers.CharField(max_length=500)
    scopes = serializers.CharField(max_length=500, required=False)
    hosts = serializers.ListField(
        child=serializers.CharField(max_length=253),
        max_length=20,
        required=False,
        help_text="Hosts besides the issuer's own that the server may call for it.",
    )
    enabled = serializers.BooleanField(required=False)
    default = serializers.BooleanField(required=False, help_text="The one of `/api/oidc`.")
    create_users = serializers.BooleanField(
        required=False, help_text="Make an account for whoever is new."
    )
    link_by_email = serializers.BooleanField(
        required=False,
        help_text="Let people in as an existing account whose e-mail address the provider has"
        " verified; never as a superuser's.",
    )
    username_claim = serializers.CharField(max_length=100, required=False)
    rules = serializers.ListField(child=RuleField(), max_length=1000, required=False)
    rule_needed = serializers.BooleanField(
        required=False, help_text="Refuse whoever no rule is for."
    )


class ChangeProviderSerializer(_Fields):
    client_secret = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, write_only=True
    )


class NewProviderSerializer(ChangeProviderSerializer):
    name = serializers.RegexField(r"^[a-z0-9-]{1,50}$", help_text="In `/sso/{name}/login`.")


class ProviderSerializer(_Fields):
    name = serializers.CharField()
    has_secret = serializers.BooleanField()
    users = serializers.IntegerField(help_text="Who have come from there.")
    created = serializers.DateTimeField()


class ProviderCheckSerializer(serializers.Serializer[Any]):
    fine = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)
    keys = serializers.IntegerField(help_text="That it publishes.")
    callback = serializers.CharField(help_text="What to enter there as redirect URI.")


class SignInSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    login = serializers.CharField(help_text="Where to send the browser; `?next=` is kept.")


def _told(actor: Any, done: str, before: ProviderInfo | None, after: ProviderInfo | None) -> None:
    record(
        actor,
        f"sso_providers.{done}",
        "provider",
        (after or before).name,  # type: ignore[union-attr]
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
    )


@extend_schema_view(
    get=extend_schema(
        responses=ProviderSerializer(many=True), summary="List single sign-on providers"
    ),
    post=extend_schema(
        request=NewProviderSerializer,
        responses={201: ProviderSerializer},
        summary="Add a single sign-on provider",
    ),
)
class ProvidersView(APIView):
    def get(self, request: Request) -> Response:
        found = [providers.info(each) for each in providers.all_providers()]
        return Response(ProviderSerializer(found, many=True).data)

    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        given = NewProviderSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        with transaction.atomic():
            made = providers.create(values.pop("name"), values)
            _told(actor, "create", None, made)
        return Response(ProviderSerializer(made).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=ProviderSerializer, summary="Look at a single sign-on provider"),
    patch=extend_schema(
        request=ChangeProviderSerializer(partial=True),
        responses=ProviderSerializer,
        summary="Change a single sign-on provider",
    ),
    delete=extend_schema(
        responses={200: ProviderSerializer}, summary="Remove a single sign-on provider"
    ),
)
class ProviderView(APIView):
    def get(self, request: Request, name: str) -> Response:
        return Response(ProviderSerializer(providers.info(providers.find(name))).data)

    def patch(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        provider = providers.find(name)
        given = ChangeProviderSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        before = providers.info(provider)
        with transaction.atomic():
            after = providers.change(provider, given.validated_data)
            _told(actor, "change", before, after)
        return Response(ProviderSerializer(after).data)

    def delete(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        provider = providers.find(name)
        with transaction.atomic():
            gone = providers.remove(provider)
            _told(actor, "remove", gone, None)
        return Response(ProviderSerializer(gone).data)


@extend_schema_view(
    post=extend_schema(
        request=None,
        responses=ProviderCheckSerializer,
        summary="Ask a single sign-on provider for its document and its keys",
    ),
)
class ProviderCheckView(APIView):
    def post(self, request: Request, name: str) -> Response:
        provider = providers.find(name)
        problem, keys = "", 0
        try:
            client.discovered(provider, fresh=True)
            keys = client.keys(provider)
        except NotThere as error:
            problem = str(error)
        callback = absolute(request._request, reverse("sso-callback", args=[name]))
        body = {"fine": not problem, "problem": problem, "keys": keys, "callback": callback}
        return Response(body)


@extend_schema_view(
    get=extend_schema(
        responses=SignInSerializer(many=True), summary="List the ways to sign in elsewhere"
    ),
)
class SignInView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        found = [
            {
                "name": provider.name,
                "title": provider.title,
                "login": reverse("sso-login", args=[provider.name]),
            }
            for provider in SsoProvider.objects.filter(enabled=True)
        ]
        return Response(SignInSerializer(found, many=True).data)
