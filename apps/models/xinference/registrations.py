"""Families: those of the catalogue, and those that people add."""

from __future__ import annotations

import msgspec
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.caller import caller
from apps.models.catalogue.convert import family_from
from apps.models.xinference import families
from apps.models.xinference.bodies import read_body
from apps.models.xinference.face import Face, documented, form, list_of, project, query, said, who
from apps.models.xinference.names import kind_of
from xplatform.core.errors import InvalidJSON, InvalidValue

_TAG = "registrations"
_DETAILED = query("detailed", "All of each family.", OpenApiTypes.BOOL)


class RegisterBody(msgspec.Struct, frozen=True):
    #: a JSON object as text
    model: str
    worker_ip: str | None = None
    #: whether it outlives the server: all do here
    persist: bool = True


class RegistrationsFace(Face):
    @documented(
        "Families of a type",
        tag=_TAG,
        answer=list_of({"type": "object"}),
        query=[_DETAILED],
        operation_id="v1_model_registrations_list",
    )
    def get(self, request: Request, model_type: str) -> Response:
        detailed = request.query_params.get("detailed", "").lower() in ("1", "true", "yes")
        found = families.of_kind(kind_of(model_type), project(request))
        return said([families.shown(one, detailed=detailed, every_hub=False) for one in found])

    @documented(
        "Register a family",
        tag=_TAG,
        body=form("model", model="string", worker_ip="string", persist="boolean"),
        answer={"nullable": True},
    )
    def post(self, request: Request, model_type: str) -> Response:
        body = read_body(request, RegisterBody)
        kind = kind_of(model_type)
        try:
            model = msgspec.json.decode(body.model)
        except msgspec.DecodeError as error:
            raise InvalidJSON(f"`model` is not JSON: {error}.", param="model") from None
        if not isinstance(model, dict):
            raise InvalidValue("`model` is a JSON object as text.", param="model")
        asks = caller(request)
        api.register(
            family_from(kind, model), asks.name, project=asks.project or "", unsafe=asks.unsafe
        )
        return said(None)


class RegistrationFace(Face):
    @documented("One family", tag=_TAG)
    def get(self, request: Request, model_type: str, model_name: str) -> Response:
        kind = kind_of(model_type)
        return said(families.shown(families.one(model_name, kind, project(request))))

    @documented("Take a registration back", tag=_TAG, answer={"nullable": True})
    def delete(self, request: Request, model_type: str, model_name: str) -> Response:
        api.unregister(kind_of(model_type), model_name, who(request), project(request))
        return said(None)
