"""What was launched, and what people keep to launch again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import LaunchInfo
from apps.models.caller import Caller, caller
from apps.models.keepsakes import Kind, drop, drop_others, keep, kept
from apps.models.xinference import describe
from apps.models.xinference.bodies import plain_text, read_body
from apps.models.xinference.face import Face, documented, form, list_of, query, said, who
from xplatform.core.errors import InvalidValue, NotFound

_MOST_BYTES = 64 * 1024
_MOST_UID = 100
_DONE = form(status="string")


class Entry(msgspec.Struct, frozen=True):
    model_name: str
    model_uid: str | None = ""
    data: dict[str, Any] = {}
    ui_data: dict[str, Any] | None = None


class HistoryFace(Face):
    """Xinference's console keeps this list by hand; here the server adds what was launched: what
    runs, and for a day what does no more."""

    @documented(
        "What was launched or kept, as it can be launched again",
        answer=list_of({"type": "object"}),
        query=[query("model_name", "Only of this family."), query("scope", "`mine`: own ones.")],
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("model_name")
        own = request.query_params.get("scope") == "mine"
        found = [
            entry
            for entry in _entries(caller(request))
            if (not name or name in (entry["model_name"], entry["model_uid"]))
            and (not own or entry["is_owner"])
        ]
        return said(sorted(found, key=lambda one: -one["created_at"]))

    @documented(
        "Keep a launch, to use it again",
        body=form(
            "model_name", model_name="string", model_uid="string", data="object", ui_data="object"
        ),
        answer=_DONE,
    )
    def post(self, request: Request) -> Response:
        entry = read_body(request, Entry)
        name = plain_text(entry.model_name, "model_name")
        uid = plain_text(entry.model_uid, "model_uid", _MOST_UID) if entry.model_uid else ""
        data: dict[str, Any] = {"data": _without_secrets(entry.data)}
        if entry.ui_data is not None:
            data["ui_data"] = entry.ui_data
        _check_size(data)
        keep(who(request), Kind.LAUNCH, name, uid, data)
        drop(who(request), Kind.HIDDEN, name, uid)
        return said({"status": "ok"})


class EntryFace(Face):
    @documented("Take one of your entries off the list", answer=_DONE)
    def delete(self, request: Request, model_name: str) -> Response:
        _remove(caller(request), model_name, "")
        return said({"status": "ok"})


class LaunchEntryFace(Face):
    @documented(
        "Take one of your launches off the list; what runs goes on running",
        answer=_DONE,
        operation_id="v1_launch_history_of_uid_destroy",
    )
    def delete(self, request: Request, model_name: str, model_uid: str) -> Response:
        me = caller(request)
        try:
            _remove(me, model_name, model_uid)
        except NotFound:
            # The name of a repository has a slash of its own.
            _remove(me, f"{model_name}/{model_uid}", "")
        return said({"status": "ok"})


def _remove(asks: Caller, name: str, uid: str) -> None:
    me = asks.name
    launched = {_key(info): info for info in _launched(asks) if info.requested_by == me}
    there = drop(me, Kind.LAUNCH, name, uid)
    info = launched.get((name, uid))
    if info is not None and not _is_hidden(info, _hidden(me)):
        drop_others(me, Kind.HIDDEN, launched)
        keep(me, Kind.HIDDEN, name, uid)
        there = True
    if not there:
        raise NotFound(
            f"Your list has no launch of {name[:100]!r}" + (f" as {uid[:100]!r}." if uid else "."),
            param="model_name",
        )


def _entries(asks: Caller) -> list[dict[str, Any]]:
    me = asks.name
    own = {(one.name, one.uid): one for one in kept(me, Kind.LAUNCH)}
    hidden = _hidden(me)
    found = []
    for info in _launched(asks):
        mine = info.requested_by == me
        if mine and _is_hidden(info, hidden):
            continue
        # As its owner said it, if that was kept.
        said_so = own.pop(_key(info), None) if mine else None
        words = said_so.data if said_so else {}
        found.append(
            _entry(
                _key(info),
                {"data": describe.order(info), **words},
                info.requested_by,
                me,
                info.created,
                describe.launch_state(info.state),
            )
        )
    found += [_entry(key, one.data, me, me, one.created, None) for key, one in own.items()]
    return found


def _entry(
    key: tuple[str, str],
    words: dict[str, Any],
    by: str,
    me: str,
    created: datetime,
    status: str | None,
) -> dict[str, Any]:
    return {
        "model_name": key[0],
        "model_uid": key[1],
        "data": words.get("data", {}),
        "ui_data": words.get("ui_data"),
        "created_by": by,
        "created_at": created.timestamp(),
        "is_owner": by == me,
        "status": status,
    }


def _launched(asks: Caller) -> list[LaunchInfo]:
    """In the caller's project: what others share was not launched here."""
    own = asks.project
    return [
        info
        for info in [*api.launches(own), *api.past_launches(own)]
        if (info.origin == "launch" or info.wanted) and own in (None, info.project)
    ]


def _key(info: LaunchInfo) -> tuple[str, str]:
    return info.family or info.uid, info.uid


def _hidden(me: str) -> dict[tuple[str, str], datetime]:
    return {(one.name, one.uid): one.changed for one in kept(me, Kind.HIDDEN)}


def _is_hidden(info: LaunchInfo, hidden: dict[tuple[str, str], datetime]) -> bool:
    """What was launched again since is another launch."""
    since = hidden.get(_key(info))
    return since is not None and since >= info.created


def _without_secrets(data: dict[str, Any]) -> dict[str, Any]:
    """Variables often hold keys: their names are kept, as in the list of launches."""
    envs = data.get("envs")
    if envs is None:
        return data
    if not isinstance(envs, dict):
        raise InvalidValue("`data.envs` is no object.", param="data.envs")
    return {**data, "envs": dict.fromkeys(envs, describe.HIDDEN)}


def _check_size(data: dict[str, Any]) -> None:
    text = msgspec.json.encode(data)
    if len(text) > _MOST_BYTES:
        raise InvalidValue(
            f"`data` and `ui_data` have {len(text)} bytes; at most {_MOST_BYTES} are kept.",
            param="data",
        )
    if b"\\u0000" in text:
        # PostgreSQL has no place for it.
        raise InvalidValue("`data` and `ui_data` must not have zero characters.", param="data")
