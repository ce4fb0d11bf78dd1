"""The audit in the form that Xinference's console reads from its own. There it has a line for each
call of a model, too; here it has changes and what was refused, and calls are counted elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.audit import api as audit
from apps.models.xinference.face import Face, Paging, documented, form, list_of, query, said

_TAG: Final = "audit"
_PAGING: Final = Paging(most=500, usually=50)
#: entries that are looked through for what may be asked for
_LOOKED_AT: Final = 1_000
_STATUS: Final = {"done": "success", "refused": "denied", "failed": "failed"}
_OUTCOME: Final = {status: outcome for outcome, status in _STATUS.items()}
_OPTIONS: Final = ("user", "api_key_name", "model_id", "model_name", "client_ip")
_TIMES: Final = [
    query("time_from", "From then on: now-1h (so if absent), or ISO 8601."),
    query("time_to", "Up to then: now, or ISO 8601."),
]


class SearchFace(Face):
    permission_classes = list(APIView.permission_classes)

    @documented(
        "Who changed what, newest first",
        tag=_TAG,
        answer=form(hits=list_of({"type": "object"}), total="integer"),
        query=[
            *_TIMES,
            query("user", "By this person."),
            query("api_key_name", "With the key of this id."),
            query("model_id", "On the thing of this name."),
            query("status", "success, denied or failed."),
            query("client_ip", "From this address."),
            query("request_id", "Of the request of this id."),
            *_PAGING.query,
        ],
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        size, first = _PAGING.read(request)
        status = given.get("status", "")
        wanted = {
            "who": given.get("user", ""),
            "key": given.get("api_key_name", ""),
            "id": given.get("model_id", "") or given.get("model_name", ""),
            "outcome": _OUTCOME.get(status, status),
            "address": given.get("client_ip", ""),
            "request": given.get("request_id", ""),
        }
        choice = _choice(request, wanted)
        rows, total = audit.counted(choice, first, size)
        return said({"hits": [_hit(row) for row in rows], "total": total})


class OptionsFace(Face):
    permission_classes = list(APIView.permission_classes)

    @documented(
        "What the newest entries can be searched for",
        tag=_TAG,
        answer=form(**{name: list_of({"type": "string"}) for name in _OPTIONS}),
        query=_TIMES,
    )
    def get(self, request: Request) -> Response:
        hits = [_hit(row) for row in audit.newest(_choice(request, {}), _LOOKED_AT)]
        return said({name: sorted({hit[name] for hit in hits} - {""}) for name in _OPTIONS})


def _choice(request: Request, wanted: dict[str, str]) -> audit.Choice:
    given = request.query_params
    times = {"since": given.get("time_from", "now-1h"), "until": given.get("time_to", "now")}
    choice = audit.Choice.read({**wanted, **times})
    return dataclasses.replace(choice, project=actor_of(request).project)


def _hit(row: dict[str, Any]) -> dict[str, Any]:
    method, _, path = row["via"].partition(" ")
    model = row["thing_id"] if row["thing"] == "launch" else ""
    return {
        "@timestamp": row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event_type": row["action"],
        "category": "auth" if row["action"].startswith(("login", "session", "token")) else "admin",
        "auth_type": "api_key" if row["key"] else "session" if row["user"] else "",
        "request_id": row["request"],
        "method": method,
        "user": row["who"],
        "api_key_name": row["key"],
        "model_id": model,
        "model_name": model,
        "endpoint": path,
        "status": _STATUS[row["outcome"]],
        "client_ip": row["address"],
        "action": row["action"],
        "thing": row["thing"],
        "thing_id": row["thing_id"],
        "before": row["before"],
        "after": row["after"],
        "why": row["why"],
        "count": row["count"],
    }
