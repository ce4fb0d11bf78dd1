"""What the routes here share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

F = TypeVar("F", bound=Callable[..., Any])


class OkSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()


class UnbannedSerializer(serializers.Serializer[Any]):
    unbanned = serializers.IntegerField()


def documented(
    summary: str, *, body: Any = None, answer: Any = OkSerializer, status: int = 200, **more: Any
) -> Callable[[F], F]:
    marked: Callable[[F], F] = extend_schema(
        summary=summary,
        tags=["Xinference: people"],
        request=body,
        responses={status: answer or OpenApiTypes.OBJECT},
        **more,
    )
    return marked


def read(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def ok() -> Response:
    return Response({"ok": True})
