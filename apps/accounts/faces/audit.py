"""``/api/audit``: who changed what, for those who may know. The record itself is ``apps.audit``,
which knows nobody; whose entries somebody sees is decided here."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.asking import actor_of
from apps.audit import api as audit
from xplatform.core.errors import InvalidValue, UnknownField

_LIMIT: Final = 100
#: of an export that are sent at once
_LINES: Final = 500
_MOST_ID: Final = 2**63 - 1
_CHOICE: Final = {
    "who": "By this person, or part of the server.",
    "action": "Of this action; `launch.*`: of all that begin so.",
    "thing": "On this kind of thing.",
    "id": "On the thing of this name or id.",
    "project": "In this project; others than superusers see their own only.",
    "outcome": "done, refused or failed.",
    "key": "With the key of this id.",
    "address": "From this address.",
    "request": "Of the request of this id.",
    "text": "With this text anywhere.",
    "since": "From then on: 2026-01-31, 2026-01-31T12:00:00Z or now-2h.",
    "until": "Up to then.",
}
_PARAMETERS: Final = [OpenApiParameter(name, str, description=_CHOICE[name]) for name in _CHOICE]
_PAGE: Final = [
    OpenApiParameter("before", OpenApiTypes.INT64, description="Only entries before this id."),
    OpenApiParameter("limit", int, description=f"At most so many ({_LIMIT}; up to {audit.MOST})."),
]
_FORMATS: Final = {
    "jsonl": (audit.json_lines, "application/x-ndjson"),
    "csv": (audit.csv_lines, "text/csv; charset=utf-8"),
}


class EntrySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    who = serializers.CharField(help_text="A person, `operator`, or a part of the server.")
    user = serializers.IntegerField(allow_null=True, help_text="The person's number.")
    key = serializers.CharField(help_text="Id of the key that was used; empty: none.")
    address = serializers.CharField()
    action = serializers.CharField()
    thing = serializers.CharField()
    thing_id = serializers.CharField()
    project = serializers.CharField()
    before = serializers.DictField(allow_null=True, help_text="What differs, without secrets.")
    after = serializers.DictField(allow_null=True)
    outcome = serializers.ChoiceField(["done", "refused", "failed"])
    why = serializers.CharField()
    request = serializers.CharField(help_text="The request's X-Request-Id.")
    via = serializers.CharField(help_text="Its method and path, or a command.")
    count = serializers.IntegerField(help_text="Refused attempts that were counted together.")
    uid = serializers.CharField()
    signed_by = serializers.CharField()
    signature = serializers.CharField()
    seq = serializers.IntegerField(allow_null=True, help_text="Its place in the chain.")
    link = serializers.CharField()


class EntriesSerializer(serializers.Serializer[Any]):
    entries = EntrySerializer(many=True, help_text="Newest first.")
    before = serializers.IntegerField(
        allow_null=True, help_text="`before` of the next page; null: this is the last."
    )


@extend_schema_view(
    get=extend_schema(
        parameters=[*_PARAMETERS, *_PAGE],
        responses=EntriesSerializer,
        summary="Search the audit",
    )
)
class AuditView(APIView):
    def get(self, request: Request) -> Response:
        choice = read_choice(request, "before", "limit")
        limit = _number(request, "limit", 1, audit.MOST) or _LIMIT
        rows = audit.newest(choice, limit, _number(request, "before", 1, _MOST_ID))
        last = rows[-1]["id"] if len(rows) == limit else None
        return Response(EntriesSerializer({"entries": rows, "before": last}).data)


@extend_schema_view(
    get=extend_schema(
        parameters=[
            *_PARAMETERS,
            OpenApiParameter("as", str, enum=[*_FORMATS], description="jsonl if absent."),
        ],
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
        summary="Export the audit, oldest first",
    )
)
class AuditExportView(APIView):
    def get(self, request: Request) -> HttpResponseBase:
        choice = read_choice(request, "as")
        form = request.query_params.get("as") or "jsonl"
        if form not in _FORMATS:
            raise InvalidValue(f"`as` {form[:50]!r} is none of {', '.join(_FORMATS)}.", param="as")
        lines, content_type = _FORMATS[form]
        name = f"audit.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        text = lines(choice)
        # Under WSGI (and in its test client) nobody can wait for an asynchronous one.
        asynchronous = isinstance(request._request, ASGIRequest)
        body = _chunks(text) if asynchronous else text
        return StreamingHttpResponse(body, content_type=content_type, headers=headers)


async def _chunks(lines: Iterator[str]) -> AsyncIterator[str]:
    """In the thread of the request's database connection, a piece at a time: Django would read a
    plain iterator to its end before it sends anything."""

    def some() -> str:
        return "".join(itertools.islice(lines, _LINES))

    while piece := await sync_to_async(some)():
        yield piece


def read_choice(request: Request, *others: str) -> audit.Choice:
    """What was asked for, within what the caller may see."""
    given = request.query_params
    known = [*_CHOICE, *others]
    if unknown := [name for name in given if name not in known]:
        raise UnknownField(
            f"`{unknown[0][:50]}` is no parameter here; there are: {', '.join(known)}.",
            param=unknown[0][:50],
        )
    return within(request, audit.Choice.read(given))


def within(request: Request, choice: audit.Choice) -> audit.Choice:
    """Of the caller's project only, or of all for those who see all."""
    actor = actor_of(request)
    return dataclasses.replace(choice, project=actor.project) if actor.project else choice


def _number(request: Request, name: str, least: int, most: int) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise InvalidValue(f"`{name}` {text[:50]!r} is no whole number.", param=name)
    if not least <= int(text) <= most:
        raise InvalidValue(f"`{name}` must be from {least} to {most}.", param=name)
    return int(text)
