"""What all routes here share: who asks, how the body is read, how they stand in the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models.caller import caller
from apps.models.events.history import read_number

F = TypeVar("F", bound=Callable[..., Any])


class Renderer(JSONRenderer):
    """Its clients read JSON from every answer, also from one that says nothing."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return b"null" if data is None else super().render(data, *args, **kwargs)


class Face(APIView):
    renderer_classes = [Renderer]


def who(request: Request) -> str:
    return caller(request).name


def project(request: Request) -> str | None:
    """Whose things the caller sees and changes; None: those of all."""
    return caller(request).project


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of a list, newest first, its route gives: ``size`` without ``page_from``."""

    most: int
    usually: int
    most_from: int = 10_000

    @property
    def query(self) -> tuple[OpenApiParameter, OpenApiParameter]:
        size = f"At most so many ({self.usually}; up to {self.most})."
        return (
            query("size", size, OpenApiTypes.INT),
            query("page_from", "Without so many of the newest.", OpenApiTypes.INT),
        )

    def read(self, request: Request) -> tuple[int, int]:
        """(size, page_from); raises InvalidValue."""
        given = request.query_params
        size = read_number(given, "size", 1, self.most, self.usually)
        return size or self.usually, read_number(given, "page_from", 0, self.most_from, 0) or 0


def said(body: Any, status: int = 200) -> Response:
    return Response(body, status=status)


def documented(
    summary: str,
    *,
    tag: str = "models",
    body: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    status: int = 200,
    query: Sequence[OpenApiParameter] = (),
    **more: Any,
) -> Callable[[F], F]:
    """A method of a face in the OpenAPI document. Forms are plain JSON schemas: they are
    Xinference's, not ours, and nothing here is made from them."""
    request = {"application/json": body} if body is not None else None
    response = {(status, "application/json"): answer or OpenApiTypes.OBJECT}
    marked: Callable[[F], F] = extend_schema(
        summary=summary,
        tags=[f"Xinference: {tag}"],
        request=request,
        responses=response,
        parameters=list(query),
        **more,
    )
    return marked


def query(
    name: str, what: str, type_: Any = OpenApiTypes.STR, *, required: bool = False
) -> OpenApiParameter:
    return OpenApiParameter(
        name, type_, OpenApiParameter.QUERY, description=what, required=required
    )


def form(*required: str, **fields: Any) -> dict[str, Any]:
    """A JSON schema of an object: name=its schema, or a type's name."""
    return {
        "type": "object",
        "properties": {
            name: {"type": schema} if isinstance(schema, str) else schema
            for name, schema in fields.items()
        },
        **({"required": list(required)} if required else {}),
    }


def list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}
