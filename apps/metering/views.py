"""``/api/limits``, ``/api/prices``, ``/api/usage``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import Actor, actor_of
from apps.metering import actions, reports
from apps.metering.serializers import (
    LimitChangeSerializer,
    LimitSerializer,
    NewLimitSerializer,
    NewPriceSerializer,
    PriceChangeSerializer,
    PriceSerializer,
    UsageSerializer,
)
from xplatform.core.config import settings
from xplatform.core.errors import Forbidden, InvalidValue, NotFound

_DAYS = 30
_LINES_AT_ONCE = 500


@extend_schema_view(
    get=extend_schema(responses=LimitSerializer(many=True), summary="List limits"),
    post=extend_schema(
        request=NewLimitSerializer, responses={201: LimitSerializer}, summary="Set a limit"
    ),
)
class LimitsView(APIView):
    def get(self, request: Request) -> Response:
        return Response(LimitSerializer(actions.limits(actor_of(request)), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewLimitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = actions.create_limit(actor_of(request), **given.validated_data)
        return Response(LimitSerializer(made).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=LimitSerializer, summary="Look at a limit"),
    patch=extend_schema(
        request=LimitChangeSerializer, responses=LimitSerializer, summary="Change a limit"
    ),
    delete=extend_schema(responses={204: None}, summary="Take a limit away"),
)
class LimitView(APIView):
    def get(self, request: Request, limit_id: int) -> Response:
        return Response(LimitSerializer(actions.limit_info(limit_id, actor_of(request))).data)

    def patch(self, request: Request, limit_id: int) -> Response:
        given = LimitChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = actions.change_limit(limit_id, actor_of(request), **given.validated_data)
        return Response(LimitSerializer(changed).data)

    def delete(self, request: Request, limit_id: int) -> Response:
        actions.delete_limit(limit_id, actor_of(request))
        return Response(status=204)


@extend_schema_view(
    get=extend_schema(responses=PriceSerializer(many=True), summary="List prices"),
    post=extend_schema(
        request=NewPriceSerializer, responses={201: PriceSerializer}, summary="Set a price"
    ),
)
class PricesView(APIView):
    def get(self, request: Request) -> Response:
        return Response(PriceSerializer(actions.prices(), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewPriceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        made = actions.create_price(actor_of(request), values.pop("model"), values)
        return Response(PriceSerializer(made).data, status=201)


@extend_schema_view(
    patch=extend_schema(
        request=PriceChangeSerializer, responses=PriceSerializer, summary="Change a price"
    ),
    delete=extend_schema(responses={204: None}, summary="Take a price away"),
)
class PriceView(APIView):
    def patch(self, request: Request, price_id: int) -> Response:
        given = PriceChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = actions.change_price(price_id, actor_of(request), given.validated_data)
        return Response(PriceSerializer(changed).data)

    def delete(self, request: Request, price_id: int) -> Response:
        actions.delete_price(price_id, actor_of(request))
        return Response(status=204)


def _asked(name: str, about: str, **values: Any) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=about, **values)


@extend_schema_view(
    get=extend_schema(
        parameters=[
            _asked("from", "Beginning: 2030-01-31, or with a time; 30 days ago if absent."),
            _asked("to", "End, which is not part of it; now if absent."),
            _asked("project", "Of this project."),
            _asked("user", "Of this user, by name or id."),
            _asked("key", "Of this key, by its id."),
            _asked("model", "Of this model."),
            _asked("group", f"Of {', '.join(reports.GROUPS)}; comma-separated. day,model"),
            _asked("as", "json or csv", enum=["json", "csv"]),
        ],
        responses={(200, "application/json"): UsageSerializer, (200, "text/csv"): OpenApiTypes.STR},
        summary="What was used",
    )
)
class UsageView(APIView):
    """By the hour or longer, in UTC. Admins of a project see all of it, others their own."""

    def get(self, request: Request) -> HttpResponseBase:
        wish = _wish(request, actor_of(request))
        form = request.query_params.get("as", "json")
        if form not in ("json", "csv"):
            raise InvalidValue("`as` is json or csv.", param="as")
        if form == "json":
            lines, content_type = reports.as_json(wish, settings().currency), "application/json"
        else:
            lines, content_type = reports.as_csv(wish, settings().currency), "text/csv"
        answer = StreamingHttpResponse(
            _chunks(lines), content_type=f"{content_type}; charset=utf-8"
        )
        if form == "csv":
            answer["Content-Disposition"] = 'attachment; filename="usage.csv"'
        return answer


async def _chunks(lines: Iterator[str]) -> AsyncIterator[str]:
    """Under ASGI Django would gather all of a plain iterator before the first byte is sent."""
    while chunk := await sync_to_async(lambda: "".join(islice(lines, _LINES_AT_ONCE)))():
        yield chunk


def _wish(request: Request, actor: Actor) -> reports.Wish:
    given = request.query_params
    end = _time(given.get("to"), "to") or timezone.now()
    begin = _time(given.get("from"), "from") or end - timedelta(days=_DAYS)
    group = tuple(dict.fromkeys(filter(None, given.get("group", "day,model").split(","))))
    if unknown := set(group) - set(reports.GROUPS):
        raise InvalidValue(
            f"`group` has {', '.join(sorted(unknown))[:100]!r}; there are"
            f" {', '.join(reports.GROUPS)}.",
            param="group",
        )
    project = given.get("project", "")
    if project and not actor.sees(project):
        raise NotFound(f"There is no project {project[:50]!r}.", param="project")
    user = given.get("user", "")
    if user:
        user = actions.user_id(user) or "none"
    if not actor.may("usage.own"):
        raise Forbidden.lacking("usage.own")
    if not actor.may("usage.read"):
        own = "none" if actor.user_id is None else str(actor.user_id)
        if user not in ("", own):
            raise Forbidden.lacking("usage.read")
        user = own
    return reports.Wish(
        begin, end, actor.project or project, user, given.get("key", ""), given.get("model", ""),
        group,
    )  # fmt: skip


def _time(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        # In an address a + is a space.
        whole = text.replace(" ", "+") if "T" in text else text
        found = parse_datetime(whole) if len(text) > 10 else None
        day = parse_date(text) if found is None else None
    except ValueError:
        found = day = None
    if day is not None:
        found = datetime.combine(day, time())
    if found is None:
        raise InvalidValue(f"`{name}` is no date or time: {text[:50]!r}.", param=name)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
