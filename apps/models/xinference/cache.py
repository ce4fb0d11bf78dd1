"""Model files on the nodes: list, remove, fetch ahead."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.caller import caller
from apps.models.control.peers import Peers
from apps.models.nodes.ask import ask_node
from apps.models.resolve import resolve
from apps.models.xinference import families, stored
from apps.models.xinference.bodies import read_object
from apps.models.xinference.downloads import begun, find, progress
from apps.models.xinference.face import Face, documented, form, list_of, project, query, said
from apps.models.xinference.forms import LAUNCH
from apps.models.xinference.names import kind_of, of_version, size_shown, version_name
from apps.models.xinference.ordering import completed, read_launch, spoken
from xplatform.core.errors import Conflict, InvalidRequest, MissingField

_TAG = "files"
_WORKER = query("worker_ip", "Only on this node.")
_VERSION = query("model_version", "As the lists have it.", required=True)


class CacheFace(Face):
    @documented(
        "Model files on the nodes",
        tag=_TAG,
        answer=form(list=list_of({"type": "object"})),
        query=[query("model_name", "Only of this family or repository."), _WORKER],
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("model_name")
        found = stored.cached(request.query_params.get("worker_ip"), project(request))
        rows = [stored.row(one) for one in found]
        return said(
            {
                "list": [
                    row for row in rows if not name or name in (row["model_name"], row["model_id"])
                ]
            }
        )

    @documented(
        "Fetch files ahead of a launch",
        tag=_TAG,
        body=LAUNCH,
        answer=form(cache_uid="string", status="string"),
    )
    def post(self, request: Request) -> Response:
        body = read_object(request)
        # What it is called is decided by what is fetched: the same files are fetched once.
        body.pop("cache_uid", None)
        with spoken():
            order = resolve(completed(read_launch(body, caller(request)).order))
        if order.source is None:
            raise InvalidRequest(
                f"{order.family or order.uid!r} is a path on the nodes: there is nothing to fetch.",
                param="model_name",
            )
        source = msgspec.to_builtins(order.source)
        nodes = stored.nodes(order.placement.nodes[0] if order.placement.nodes else None)
        if not nodes:
            raise Conflict("No node is up to fetch the files.")
        name = nodes[0].name
        asked = {"source": Peers().told(source, name)}
        return said(begun(name, ask_node(name, "files.fetch", asked)))

    @documented(
        "Remove model files",
        tag=_TAG,
        answer=form(result="boolean"),
        query=[_VERSION, _WORKER],
    )
    def delete(self, request: Request) -> Response:
        found = _of_version(request)
        entries = {(one.node, one.entry.id) for one in found}
        for node, entry in sorted(entries):
            ask_node(node, "files.remove", {"id": entry})
        return said({"result": bool(entries)})


class FilesFace(Face):
    @documented(
        "Where the files of a version lie",
        tag=_TAG,
        answer=form(model_version="string", paths=list_of({"type": "string"})),
        query=[_VERSION, _WORKER],
    )
    def get(self, request: Request) -> Response:
        found = _of_version(request)
        return said(
            {
                "model_version": request.query_params["model_version"],
                "worker_ip": request.query_params.get("worker_ip"),
                "paths": list(dict.fromkeys(one.entry.path for one in found)),
            }
        )


class CacheProgressFace(Face):
    @documented("How far a download is", tag=_TAG, answer=form(progress="number", stage="string"))
    def get(self, request: Request, cache_uid: str) -> Response:
        return said(progress(find(cache_uid)))


class CacheCancelFace(Face):
    @documented("End a download", tag=_TAG, answer={"nullable": True})
    def post(self, request: Request, cache_uid: str) -> Response:
        for node, download in find(cache_uid):
            ask_node(node, "files.cancel", {"id": download.id})
        return said(None)


class VersionsFace(Face):
    @documented(
        "Sizes, formats and quantizations of a model, and where they lie",
        tag=_TAG,
        answer=list_of({"type": "object"}),
    )
    def get(self, request: Request, model_type: str, model_name: str) -> Response:
        asks = caller(request)
        family, _ = families.one(model_name, kind_of(model_type), asks.project)
        places: dict[str, dict[str, str]] = {}
        # Where they lie is for those only who may see all projects' files.
        for one in stored.cached(project=asks.project) if asks.sees_files else ():
            places.setdefault(one.version, {})[one.node] = one.entry.path
        found: list[dict[str, Any]] = []
        for spec in family.specs:
            for quantization in spec.quantizations:
                version = version_name(family, spec, quantization)
                found.append(
                    {
                        "model_version": version,
                        "model_file_location": places.get(version),
                        "cache_status": version in places,
                        "model_format": spec.format,
                        "model_size_in_billions": size_shown(spec.size),
                        "quantization": quantization,
                    }
                )
        return said(found)


def launch_of_version(version: str, kind: str, project: str | None) -> dict[str, Any]:
    """The part of a launch that a version stands for. Raises NotFound."""
    family, spec, quantization = of_version(
        [family for family, _ in families.of_kind(kind, project)], version
    )
    return {
        "model_name": family.name,
        "model_format": spec.format,
        "model_size_in_billions": size_shown(spec.size),
        "quantization": quantization,
    }


def _of_version(request: Request) -> list[stored.Stored]:
    version = request.query_params.get("model_version")
    if not version:
        raise MissingField("`model_version` is missing.", param="model_version")
    worker = request.query_params.get("worker_ip")
    found = stored.cached(worker, project(request))
    return [one for one in found if version in (one.version, one.entry.name, one.entry.id)]
