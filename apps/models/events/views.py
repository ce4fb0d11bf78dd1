"""``/api/events``: what happened, by id."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models.caller import caller
from apps.models.events import history
from apps.models.events.history import MAX_ID, MAX_LIMIT, Choice, read_number
from apps.models.events.long_poll import MAX_WAIT
from xplatform.core.errors import InvalidRequest, UnknownField
from xplatform.structs import ToldSerializer

_PARAMETERS = [
    OpenApiParameter("after", OpenApiTypes.INT64, description="Only events behind this id."),
    OpenApiParameter(
        "before", OpenApiTypes.INT64, description="The newest before this id; not with `after`."
    ),
    OpenApiParameter("model", str, description="Only of this model."),
    OpenApiParameter("node", str, description="Only of this node."),
    OpenApiParameter("replica", OpenApiTypes.UUID, description="Only of this replica."),
    OpenApiParameter("project", str, description="Only of this project's models."),
    OpenApiParameter("limit", int, description=f"At most so many (100; up to {MAX_LIMIT})."),
    OpenApiParameter(
        "wait",
        int,
        description=f"With `after`: wait up to so many seconds (to {MAX_WAIT}) for the first one.",
    ),
]


class LoggedEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    who = serializers.CharField(help_text="control, node <name>, replica, or a person")
    uid = serializers.CharField(help_text="The model's; empty for an event of a node.")
    subject = serializers.CharField(help_text="replica <epoch>, launch, node <name>, …")
    node = serializers.CharField()
    replica = serializers.CharField(allow_null=True, help_text="The replica's id.")
    project = serializers.CharField(help_text="The model's; empty for an event of a node.")
    before = serializers.CharField()
    after = serializers.CharField()
    why = serializers.CharField()
    why_told = ToldSerializer(allow_null=True)


class EventsSerializer(serializers.Serializer[Any]):
    events = LoggedEventSerializer(many=True, help_text="Newest last.")
    last_id = serializers.IntegerField(help_text="`after` of the next question.")
    more = serializers.BooleanField(help_text="There are further ones already.")


@extend_schema_view(
    get=extend_schema(
        responses=EventsSerializer,
        parameters=_PARAMETERS,
        summary="Read events",
        description="Without `after`: the newest. `/ws/events` pushes the same.",
    )
)
class EventsView(APIView):
    def get(self, request: Request) -> Response:
        query = request.query_params
        known = [parameter.name for parameter in _PARAMETERS]
        if unknown := [name for name in query if name not in known]:
            raise UnknownField(
                f"`{unknown[0][:50]}` is no parameter here; there are: {', '.join(known)}.",
                param=unknown[0][:50],
            )
        choice = Choice.read(query, caller(request).project)
        after = read_number(query, "after", 0, MAX_ID, None)
        before = read_number(query, "before", 1, MAX_ID, None)
        limit = read_number(query, "limit", 0, MAX_LIMIT, 100)
        assert limit is not None
        # Waited for in front of Django (see long_poll.py).
        wait = read_number(query, "wait", 0, MAX_WAIT, 0)
        if after is not None and before is not None:
            raise InvalidRequest("`after` and `before` exclude each other.", param="before")
        if wait and after is None:
            raise InvalidRequest("`wait` needs `after`: news behind which id?", param="wait")
        if after is None:
            page = history.newest(choice, limit, before)
        else:
            page = history.following(after, choice, limit)
        return Response(EventsSerializer(page).data)
