"""``/api/pulse``: what is asked of models and how nodes are, over minutes or a day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.models.events.history import read_number
from apps.models.pulse import series as lines
from apps.models.pulse.series import MOST_MINUTES, MOST_MODELS, MOST_NODES, sight_of
from xplatform.core.errors import UnknownField

_DEFAULT_MINUTES = 15
_PARAMETERS = [
    OpenApiParameter("model", str, description="Only of this model."),
    OpenApiParameter("node", str, description="Only of this node."),
    OpenApiParameter("project", str, description="Only of this project's models."),
    OpenApiParameter(
        "minutes",
        int,
        description=f"How far back ({_DEFAULT_MINUTES}; up to {MOST_MINUTES}). To 60 there is a"
        " number every 5 seconds, beyond one a minute.",
    ),
]


def _line(text: str = "") -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=text)


class TrafficSerializer(serializers.Serializer[Any]):
    """A number for each of ``times``; null where none is known."""

    requests = _line("Answers a second, by the time of their end.")
    errors = _line(  # type: ignore[assignment]
        "Of them those with a status of 400 and above; a client that left is none."
    )
    tokens_in = _line("Tokens of prompts a second, counted at the answer's end.")
    tokens_out = _line("Tokens a second, as they are generated.")
    running = _line("Requests that ran at once, on average.")
    waiting = _line("Requests that waited, on average.")
    first_token_p50 = _line("Seconds to the first token of streams; null: there was none.")
    first_token_p95 = _line("As above, of the slowest twentieth.")


class ModelTrafficSerializer(TrafficSerializer):
    model = serializers.CharField()
    project = serializers.CharField()


class DeviceLinesSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    memory_used = _line("Bytes.")
    memory_total = _line("Bytes.")
    utilization = _line("Percent; null: the driver does not tell.")
    temperature = _line("Degrees Celsius; null: the driver does not tell.")


class NodeLinesSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    cpu = _line("Percent of all its processors.")
    memory_used = _line("Bytes of the machine.")
    memory_total = _line("Bytes of the machine.")
    disk_free = _line("Bytes for model files.")
    disk_total = _line("Bytes of the disk that they lie on.")
    devices = DeviceLinesSerializer(many=True)


class PulseSerializer(serializers.Serializer[Any]):
    step = serializers.FloatField(help_text="Seconds between two numbers.")
    times = serializers.ListField(
        child=serializers.FloatField(), help_text="Unix time to which each number goes."
    )
    total = TrafficSerializer(help_text="Of all models that were asked for.", allow_null=True)
    models = ModelTrafficSerializer(
        many=True, help_text=f"Those with requests; the busiest {MOST_MODELS}."
    )
    models_left_out = serializers.IntegerField()
    nodes = NodeLinesSerializer(
        many=True,
        help_text=f"For whoever may see them; the first {MOST_NODES}, unless one is named.",
    )
    nodes_left_out = serializers.IntegerField()


@extend_schema_view(
    get=extend_schema(
        responses=PulseSerializer,
        parameters=_PARAMETERS,
        summary="Numbers over time",
        description="Of the caller's project's own models, and of nodes. `/ws/events?pulse=1`"
        " pushes the newest every few seconds. Numbers of the last 24 hours are there, in memory:"
        " a restart of the message broker begins anew.",
    )
)
class PulseView(APIView):
    def get(self, request: Request) -> Response:
        query = request.query_params
        known = [parameter.name for parameter in _PARAMETERS]
        if unknown := [name for name in query if name not in known]:
            raise UnknownField(
                f"`{unknown[0][:50]}` is no parameter here; there are: {', '.join(known)}.",
                param=unknown[0][:50],
            )
        minutes = read_number(query, "minutes", 1, MOST_MINUTES, _DEFAULT_MINUTES)
        assert minutes is not None
        found = lines.series(
            sight_of(actor_of(request)), minutes, query.get("model", ""), query.get("node", "")
        )
        # Many numbers, which are as they shall be.
        return Response(asdict(found))
