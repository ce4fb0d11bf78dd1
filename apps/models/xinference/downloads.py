"""Downloads of model files: how far they are; pause, resume, end."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.nodes.ask import ask_node
from apps.models.xinference import stored
from apps.models.xinference.face import Face, documented, form, list_of, said
from xplatform.core.errors import NotFound
from xplatform.files import DownloadInfo

_TAG = "files"
_STAGES = {
    "queued": "pending",
    "running": "downloading",
    "paused": "paused",
    "failed": "error",
    "done": "completed",
    "cancelled": "cancelled",
}
Found = list[tuple[str, DownloadInfo]]


class DownloadsFace(Face):
    @documented("Downloads", tag=_TAG, answer=form(list=list_of({"type": "object"})))
    def get(self, request: Request) -> Response:
        found = [
            _entry(node, download)
            for node, download in stored.downloads()
            if download.state not in ("done", "cancelled")
        ]
        newest_first = sorted(found, key=lambda entry: -entry["instance_created_ts"])
        return said({"list": newest_first})


class DownloadFace(Face):
    @documented("End a download, and forget it", tag=_TAG, answer=form(cache_uid="string"))
    def delete(self, request: Request, cache_uid: str) -> Response:
        for node, download in find(cache_uid):
            if download.state in ("queued", "running", "paused"):
                ask_node(node, "files.cancel", {"id": download.id})
            else:
                ask_node(node, "files.forget", {"id": download.id})
        return said({"cache_uid": cache_uid, "status": "deleted"})


class PauseFace(Face):
    @documented("Hold a download", tag=_TAG, answer=form(cache_uid="string", status="string"))
    def post(self, request: Request, cache_uid: str) -> Response:
        return said(_each(cache_uid, "files.pause"))


class ResumeFace(Face):
    @documented("Go on with a download", tag=_TAG, answer=form(cache_uid="string", status="string"))
    def post(self, request: Request, cache_uid: str) -> Response:
        return said(_each(cache_uid, "files.resume"))


def find(cache_uid: str) -> Found:
    """On all nodes that have it: the same files have the same id. Raises NotFound."""
    found = [(node, one) for node, one in stored.downloads() if one.id == cache_uid]
    if not found:
        raise NotFound(f"There is no download {cache_uid[:100]!r}.", param="cache_uid")
    return found


def begun(node: str, answer: dict[str, Any]) -> dict[str, Any]:
    download = msgspec.convert(answer["download"], DownloadInfo)
    return {
        "cache_uid": download.id,
        "status": _STAGES[download.state],
        "worker_address": node,
    }


def progress(found: Found) -> dict[str, Any]:
    """Of one download, on each of its nodes."""
    targets = [
        {
            "cache_uid": one.id,
            "worker_address": node,
            "progress": _share(one),
            "stage": _STAGES[one.state],
            "info": one.line or None,
            "updated_at": one.updated,
            "download_files": _files(node, one),
        }
        for node, one in found
    ]
    return {
        "progress": sum(_share(one) for _, one in found) / len(found),
        # Of several the one that is furthest behind.
        "stage": _STAGES[min(found, key=lambda pair: _share(pair[1]))[1].state],
        "download_files": [file for node, one in found for file in _files(node, one)],
        "targets": targets,
    }


def _each(cache_uid: str, question: str) -> dict[str, Any]:
    answers = [
        begun(node, ask_node(node, question, {"id": download.id}))
        for node, download in find(cache_uid)
    ]
    return answers[0]


def _entry(node: str, one: DownloadInfo) -> dict[str, Any]:
    return {
        "kind": "launch" if one.waiters else "cache",
        "cache_uid": one.id,
        "model_name": one.name,
        "model_uid": one.waiters[0] if one.waiters else one.id,
        "model_version": None,
        "model_type": None,
        "model_engine": None,
        "status": _STAGES[one.state],
        "stage": _STAGES[one.state],
        "instance_created_ts": int(one.created),
        "updated_at": one.updated,
        "progress": _share(one),
        "speed": one.speed,
        "remaining_seconds": one.remaining,
        "error": one.error.message if one.error else None,
        "resumable": one.state in ("paused", "failed"),
        "download_files": _files(node, one),
        "replicas": [],
        "worker_address": node,
    }


def _share(one: DownloadInfo) -> float:
    if one.state == "done":
        return 1.0
    return min(1.0, one.done / one.total) if one.total else 0.0


def _files(node: str, one: DownloadInfo) -> list[dict[str, Any]]:
    return [
        {
            "name": file.path,
            "downloaded_bytes": file.done,
            "total_bytes": file.size,
            "progress": min(1.0, file.done / file.size) if file.size else None,
            "status": "completed" if file.done == file.size else "downloading",
            "worker_address": node,
        }
        for file in one.files
    ]
