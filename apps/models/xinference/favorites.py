"""Favourite models: a list of names that each account has for itself."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.keepsakes import Kind, drop, keep, kept
from apps.models.xinference.bodies import plain_text, read_body
from apps.models.xinference.face import Face, documented, form, list_of, said, who

_FAVORITE = form("model_name", model_name="string")
_DONE = form(status="string")


class Favorite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_name: str


class FavoritesFace(Face):
    @documented("Your favourite models", answer=list_of({"type": "string"}))
    def get(self, request: Request) -> Response:
        return said([one.name for one in kept(who(request), Kind.FAVORITE)])

    @documented("Add to your favourite models", body=_FAVORITE, answer=_DONE)
    def put(self, request: Request) -> Response:
        keep(who(request), Kind.FAVORITE, _name(request))
        return said({"status": "ok"})

    @documented("Remove from your favourite models", body=_FAVORITE, answer=_DONE)
    def delete(self, request: Request) -> Response:
        drop(who(request), Kind.FAVORITE, _name(request))
        return said({"status": "ok"})


def _name(request: Request) -> str:
    return plain_text(read_body(request, Favorite).model_name, "model_name")
