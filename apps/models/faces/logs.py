"""``/api/logs``: the logs of processes on any node, through its agent."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models.caller import caller
from apps.models.events.history import read_number
from apps.models.models import Replica
from apps.models.nodes.ask import ask_node
from xplatform.core.errors import InvalidValue, MissingField, NotFound

MAX_LINES = 10_000
_MAX_OFFSET = 2**63 - 1
_FILES = ("output", "log")

_PARAMETERS = [
    OpenApiParameter("model", str, description="Of the newest replica of this model."),
    OpenApiParameter("replica", OpenApiTypes.UUID, description="Of this replica."),
    OpenApiParameter(
        "node", str, description="Of this node's agent, or with `folder` any process of it."
    ),
    OpenApiParameter("folder", str, description="A log as `/api/nodes/{name}/logs` lists it."),
    OpenApiParameter(
        "file",
        str,
        enum=_FILES,
        default="output",
        description="What it wrote, or its own log.",
    ),
    OpenApiParameter(
        "lines",
        {"type": "integer", "minimum": 1, "maximum": MAX_LINES},
        default=100,
        description="At most so many.",
    ),
    OpenApiParameter(
        "offset",
        {"type": "integer", "format": "int64", "minimum": 0},
        description="Go on from there: `offset` of the last answer.",
    ),
]


class LogSerializer(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.CharField(allow_blank=True))
    offset = serializers.IntegerField(help_text="`offset` of the next question.")
    size = serializers.IntegerField(help_text="Bytes of the whole log.")
    folder = serializers.CharField()
    file = serializers.ChoiceField(_FILES)
    node = serializers.CharField()
    replica = serializers.CharField(allow_null=True, help_text="The replica's id.")


class LogSizesSerializer(serializers.Serializer[Any]):
    """Bytes; one that nothing was written to yet is not there."""

    output = serializers.IntegerField(required=False)
    log = serializers.IntegerField(required=False)


class LogFolderSerializer(serializers.Serializer[Any]):
    folder = serializers.CharField()
    process = serializers.CharField()
    started = serializers.IntegerField(help_text="Unix time in milliseconds.")
    files = LogSizesSerializer()


class LogFoldersSerializer(serializers.Serializer[Any]):
    logs = LogFolderSerializer(many=True, help_text="Newest first.")


@extend_schema_view(
    get=extend_schema(parameters=_PARAMETERS, responses=LogSerializer, summary="Read a log")
)
class LogsView(APIView):
    def get(self, request: Request) -> Response:
        query = request.query_params
        args: dict[str, Any] = {
            "lines": read_number(query, "lines", 1, MAX_LINES, 100),
            "offset": read_number(query, "offset", 0, _MAX_OFFSET, None),
            "file": query.get("file") or "output",
        }
        if args["file"] not in _FILES:
            raise InvalidValue("`file` is output or log.", param="file")
        replica = _replica(
            query.get("model", ""), query.get("replica", ""), caller(request).project
        )
        if replica is not None:
            node = replica.node
            args |= {"replica": str(replica.pk), "epoch": replica.epoch}
        else:
            node = query.get("node", "")
            if not node:
                raise MissingField("Say whose: `model`, `replica` or `node`.", param="model")
            if folder := query.get("folder"):
                args["folder"] = folder
        answer = ask_node(node, "logs.tail", {k: v for k, v in args.items() if v is not None})
        return Response({**answer, "node": node, "replica": str(replica.pk) if replica else None})


@extend_schema_view(get=extend_schema(responses={200: LogFoldersSerializer}, summary="List logs"))
class NodeLogsView(APIView):
    def get(self, request: Request, name: str) -> Response:
        return Response(ask_node(name, "logs.list"))


def _replica(model: str, replica: str, project: str | None) -> Replica | None:
    rows = Replica.objects.order_by("-epoch")
    if project is not None:
        rows = rows.filter(launch__model__project=project)
    if replica:
        try:
            found = rows.filter(pk=uuid.UUID(replica)).first()
        except ValueError:
            found = None
        if found is None:
            raise NotFound(f"There is no replica {replica[:50]!r}.", param="replica")
        return found
    if not model:
        return None
    found = rows.filter(launch__model__uid=model).first()
    if found is None:
        raise NotFound(f"No replica of {model[:100]!r} has ever been started.", param="model")
    return found
