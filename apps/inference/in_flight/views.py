"""``/api/launches/{uid}/requests``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import KeyRecord, actor_of
from apps.inference.in_flight import asking
from apps.inference.in_flight.asking import Asker


class SinceField(serializers.DateTimeField):
    def to_representation(self, value: Any) -> Any:
        return super().to_representation(datetime.fromtimestamp(value, UTC))


class InFlightSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    request_id = serializers.CharField(
        help_text="As in `X-Request-Id` and in the logs; empty: not for you."
    )
    kind = serializers.CharField(help_text="chat, completion, embedding, tokenize, …")
    stream = serializers.BooleanField()
    state = serializers.ChoiceField(["waiting", "running"])
    since = SinceField(help_text="When it came.")
    tokens = serializers.IntegerField(help_text="That were generated so far.")
    own = serializers.BooleanField(help_text="You have sent it.")
    may_cancel = serializers.BooleanField()
    project = serializers.CharField(help_text="The caller's; empty: not for you.")
    key = serializers.CharField(help_text="The name of its API key; empty: not for you.")
    user = serializers.CharField(help_text="Whose key it is; empty: not for you.")


@extend_schema_view(
    get=extend_schema(
        responses=InFlightSerializer(many=True),
        summary="Requests that wait or run now",
        description="Over all web processes. Whose they are is for those with `usage.read`.",
    )
)
class RequestsView(APIView):
    def get(self, request: Request, uid: str) -> Response:
        found = asking.in_flight(uid, asker(request))
        return Response(InFlightSerializer(found, many=True).data)


@extend_schema_view(
    delete=extend_schema(
        responses={204: None},
        summary="Cancel a request",
        description="One's own, or with `launches.write` anybody's of the project's model. Its"
        " caller gets the error `request_aborted`.",
    )
)
class RequestView(APIView):
    def delete(self, request: Request, uid: str, rid: str) -> Response:
        asking.cancel(uid, rid, asker(request))
        return Response(status=204)


def asker(request: Request) -> Asker:
    actor, record = actor_of(request), request.auth
    if not isinstance(record, KeyRecord):
        return Asker(actor, "", person=True)
    return Asker(actor, record.sender, person=record.kind == "login")
