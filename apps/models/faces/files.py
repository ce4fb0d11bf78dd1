"""``/api/files`` and ``/api/downloads``: model files on the nodes, through their agents."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models import api
from apps.models.caller import caller
from apps.models.catalogue.choice import repositories_of, source_of, spec_for
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family
from apps.models.control.peers import Peers
from apps.models.faces.registrations import check_kind
from apps.models.nodes.ask import ask_node
from apps.models.serializers import CachedSerializer, DiskSerializer, DownloadSerializer
from xplatform.core.errors import Conflict, NotFound, PlatformError
from xplatform.files import CachedInfo, DownloadInfo, Source
from xplatform.structs import StructSerializer

_ASK_SECONDS = 3.0
#: a hub has to be asked what there is
_FETCH_SECONDS = 90.0
_ACTIONS = ("pause", "resume", "cancel", "forget")


class FetchSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Of the catalogue, or a repository: owner/name.")
    kind = serializers.CharField(required=False, help_text="llm, embedding, …")
    size = serializers.CharField(required=False, help_text="Billions of parameters.")
    format = serializers.CharField(required=False)
    quantization = serializers.CharField(required=False)
    hub = serializers.ChoiceField(["huggingface", "modelscope"], required=False)
    revision = serializers.CharField(required=False, default="")
    node = serializers.CharField(required=False, help_text="By which node; the first, if absent.")


class NamedFamily(msgspec.Struct, frozen=True):
    kind: str
    name: str


class KnownCached(CachedInfo, frozen=True):
    #: that the catalogue knows these files by
    family: NamedFamily | None


class KnownCachedSerializer(StructSerializer):
    struct = KnownCached


class FilesOfNodeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    downloads = DownloadSerializer(many=True)
    cached = KnownCachedSerializer(many=True)
    disk = DiskSerializer()


class FilesSerializer(serializers.Serializer[Any]):
    nodes = FilesOfNodeSerializer(many=True)


class RemovedFilesSerializer(serializers.Serializer[Any]):
    removed = CachedSerializer()


class NodeDownload(DownloadInfo, frozen=True):
    node: str


class NodeDownloadSerializer(StructSerializer):
    struct = NodeDownload


class ChangedDownloadSerializer(StructSerializer):
    """One that was forgotten is no more: then there is only `node`."""

    struct = NodeDownload
    partial_answer = True


#: a repository's id in small letters → the registration that has it
_Registered = Mapping[str, dict[str, str]]


def picture(node: api.NodeInfo, registered: _Registered = MappingProxyType({})) -> dict[str, Any]:
    """By the node's own word; if it does not answer, its last."""
    try:
        found = ask_node(node.name, "files.list", timeout=_ASK_SECONDS)
    except PlatformError:
        found = node.files
    return {
        "node": node.name,
        "downloads": found.get("downloads", []),
        "cached": [
            {**entry, "family": _family(entry, registered)} for entry in found.get("cached", [])
        ],
        "disk": found.get("disk", {}),
    }


def cached_files(places: set[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Node → its cached entries of these (hub, repository in small letters), with the names of
    files, which heartbeats do not carry: nodes that have any are asked."""
    having = [
        node
        for node in api.nodes()
        if any(
            (entry["hub"], entry["name"].lower()) in places
            for entry in node.files.get("cached", [])
        )
    ]
    return {
        node.name: [
            {"files": [], **entry}
            for entry in picture(node)["cached"]
            if (entry["hub"], entry["name"].lower()) in places
        ]
        for node in having
    }


def _registered(project: str | None) -> _Registered:
    found: dict[str, dict[str, str]] = {}
    for info in api.registrations(None, project):
        for place, _ in repositories_of(info.family):
            found.setdefault(place, {"kind": info.kind, "name": info.name})
    return found


def _family(entry: dict[str, Any], registered: _Registered) -> dict[str, str] | None:
    """A registration that the project sees goes before the catalogue."""
    if named := registered.get(entry["name"].lower()):
        return named
    known = library().of_repository(entry["name"])
    return {"kind": known[0].kind, "name": known[0].name} if known else None


def all_files(node: str = "", project: str | None = None) -> list[dict[str, Any]]:
    """``project``: whose registrations are named. Raises NotFound."""
    found = [one for one in api.nodes() if node in ("", one.name)]
    if node and not found:
        raise NotFound(f"There is no node {node[:100]!r}.", param="node")
    registered = _registered(project)
    return [picture(one, registered) for one in found if node or one.state == "up"]


def fetch(values: dict[str, Any], project: str | None) -> dict[str, Any]:
    """Begin to fetch; what has begun. Raises what the node says."""
    source = source_for(values, project)
    node = values.get("node") or first_node()
    told = Peers().told(msgspec.to_builtins(source), node)
    answer = ask_node(node, "files.fetch", {"source": told}, timeout=_FETCH_SECONDS)
    return {**answer["download"], "node": node}


def source_for(values: dict[str, Any], project: str | None) -> Source:
    name, hub = values["name"], values.get("hub", "")
    if "/" in name:
        return Source(hub=hub or "huggingface", id=name, revision=values.get("revision", ""))
    family = family_of(name, check_kind(values.get("kind")), project)
    choice = spec_for(family, values.get("format"), values.get("size"), values.get("quantization"))
    return source_of(choice.spec, choice.quantization, hub, family)


def family_of(name: str, kind: str | None, project: str | None) -> Family:
    """A registration that the project sees goes before the catalogue."""
    for info in api.registrations(kind, project):
        if info.name == name:
            return info.family
    return library().find(name, kind, param="name")


def first_node() -> str:
    for node in api.nodes():
        if node.state == "up":
            return node.name
    raise Conflict("No node is up.", param="node")


@extend_schema_view(
    get=extend_schema(
        parameters=[OpenApiParameter("node", str, description="Only of this node.")],
        responses=FilesSerializer,
        summary="Model files on the nodes, and downloads",
    )
)
class FilesView(APIView):
    def get(self, request: Request) -> Response:
        node = request.query_params.get("node", "")
        return Response({"nodes": all_files(node, caller(request).project)})


@extend_schema_view(
    delete=extend_schema(responses={200: RemovedFilesSerializer}, summary="Remove model files")
)
class FileView(APIView):
    def delete(self, request: Request, node: str, entry: str) -> Response:
        return Response(ask_node(node, "files.remove", {"id": entry}, timeout=60.0))


@extend_schema_view(
    post=extend_schema(
        request=FetchSerializer,
        responses={201: NodeDownloadSerializer},
        summary="Fetch a model's files ahead of its launch",
        operation_id="downloads_fetch",
    )
)
class DownloadsView(APIView):
    def post(self, request: Request) -> Response:
        given = FetchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(fetch(given.validated_data, caller(request).project), status=201)


@extend_schema_view(
    post=extend_schema(
        parameters=[OpenApiParameter("action", str, OpenApiParameter.PATH, enum=_ACTIONS)],
        request=None,
        responses=ChangedDownloadSerializer,
        summary="Pause, resume, cancel or forget a download",
    )
)
class DownloadView(APIView):
    def post(self, request: Request, node: str, download: str, action: str) -> Response:
        if action not in _ACTIONS:
            raise NotFound(f"A download can be {', '.join(_ACTIONS)}.", param="action")
        answer = ask_node(node, f"files.{action}", {"id": download})
        return Response({**answer.get("download", answer), "node": node})
