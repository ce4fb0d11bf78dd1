"""``/api/webhooks``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.webhooks import actions


class WebhookSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    project = serializers.CharField(help_text="Empty: of all projects, and of nodes.")
    url = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    active = serializers.BooleanField()
    created = serializers.DateTimeField()
    created_by = serializers.CharField()
    state = serializers.ChoiceField(
        ["up_to_date", "waiting", "silent"],
        help_text="waiting: what failed is tried again at `next_at`; silent: not active",
    )
    attempts = serializers.IntegerField(help_text="At the event that comes next.")
    next_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True, help_text="Of the last attempt.")
    last_id = serializers.CharField(help_text="Its `webhook-id`.")
    last_status = serializers.IntegerField(
        allow_null=True, help_text="HTTP's; null: there was no answer."
    )
    last_error = serializers.CharField(help_text="Empty: it was delivered.")
    delivered_at = serializers.DateTimeField(allow_null=True)
    delivered = serializers.IntegerField(help_text="Events so far.")
    given_up = serializers.IntegerField(help_text="Events that were refused for a day.")


class NewWebhookSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=2000)
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        max_length=50,
        help_text="launch.failed, replica.*, node.silent, …; empty: all.",
    )
    active = serializers.BooleanField(required=False, default=True)


class WebhookChangesSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    url = serializers.CharField(max_length=2000, required=False)
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=50
    )
    active = serializers.BooleanField(
        required=False, help_text="What was missed while it was not is not told later."
    )


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="whsec_…; shown this once.")


@extend_schema_view(
    get=extend_schema(responses=WebhookSerializer(many=True), summary="List webhooks"),
    post=extend_schema(
        request=NewWebhookSerializer,
        responses={201: WebhookWithSecretSerializer},
        summary="Have an address told of events",
        description="In the caller's project; of a superuser who names none: for all, with nodes.",
    ),
)
class WebhooksView(APIView):
    def get(self, request: Request) -> Response:
        return Response(WebhookSerializer(actions.webhooks(actor_of(request)), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewWebhookSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        info, secret = actions.create(actor_of(request), **given.validated_data)
        return Response({**WebhookSerializer(info).data, "secret": secret}, status=201)


@extend_schema_view(
    get=extend_schema(responses=WebhookSerializer, summary="Look at a webhook"),
    patch=extend_schema(
        request=WebhookChangesSerializer, responses=WebhookSerializer, summary="Change a webhook"
    ),
    delete=extend_schema(responses={204: None}, summary="Remove a webhook"),
)
class WebhookView(APIView):
    def get(self, request: Request, webhook_id: str) -> Response:
        return Response(WebhookSerializer(actions.webhook(webhook_id, actor_of(request))).data)

    def patch(self, request: Request, webhook_id: str) -> Response:
        given = WebhookChangesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        info = actions.change(webhook_id, actor_of(request), given.validated_data)
        return Response(WebhookSerializer(info).data)

    def delete(self, request: Request, webhook_id: str) -> Response:
        actions.delete(webhook_id, actor_of(request))
        return Response(status=204)


@extend_schema_view(
    post=extend_schema(
        request=None,
        responses=WebhookSerializer,
        summary="Send a webhook a test",
        description="Waits for its answer; `last_status` and `last_error` say how it went.",
    )
)
class TryWebhookView(APIView):
    def post(self, request: Request, webhook_id: str) -> Response:
        return Response(WebhookSerializer(actions.try_out(webhook_id, actor_of(request))).data)


@extend_schema_view(
    post=extend_schema(
        request=None,
        responses=WebhookWithSecretSerializer,
        summary="Give a webhook a new secret; the old one signs nothing any more",
    )
)
class WebhookSecretView(APIView):
    def post(self, request: Request, webhook_id: str) -> Response:
        info, secret = actions.renew_secret(webhook_id, actor_of(request))
        return Response({**WebhookSerializer(info).data, "secret": secret})
