"""Launch, terminate, cancel; how far it is; what happened."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models import api
from apps.models.api import LaunchInfo
from apps.models.caller import caller
from apps.models.xinference import describe
from apps.models.xinference.bodies import read_object
from apps.models.xinference.cache import launch_of_version
from apps.models.xinference.face import Face, documented, form, list_of, project, query, said, who
from apps.models.xinference.forms import LAUNCH
from apps.models.xinference.names import kind_of
from apps.models.xinference.ordering import launch, read_launch
from apps.models.xinference.waiting import when_ready
from xplatform.core.errors import InvalidValue, MissingField, NotFound

_EVENTS_SHOWN = 100

WAIT_READY = query(
    "wait_ready", "False: answer at once, not when the model is ready.", OpenApiTypes.BOOL
)


def running(model_uid: str, seen_by: str | None) -> LaunchInfo:
    """With all its live replicas; also one that waits for its first call. Raises NotFound."""
    try:
        return api.running_launch(model_uid, seen_by)
    except NotFound as error:
        raise NotFound(error.message, param="model_uid") from None


def waits(request: Request) -> bool:
    given = request.query_params.get("wait_ready", "true").lower()
    if given not in ("true", "false", "1", "0", "yes", "no"):
        raise InvalidValue("`wait_ready` is true or false.", param="wait_ready")
    return given in ("true", "1", "yes")


class LaunchesFace(Face):
    @documented(
        "Launch a model",
        body=LAUNCH,
        answer=form("model_uid", model_uid="string"),
        query=[WAIT_READY],
    )
    def post(self, request: Request) -> Response:
        wait = waits(request)
        info = launch(read_launch(read_object(request), caller(request)))
        response = said({"model_uid": info.uid})
        return when_ready(response, info.uid) if wait else response


class VersionLaunchFace(Face):
    @documented(
        "Launch a version of a model, as the lists of files have it",
        body=form("model_version", model_version="string", model_type="string", model_uid="string"),
        answer=form("model_uid", model_uid="string"),
        query=[WAIT_READY],
    )
    def post(self, request: Request) -> Response:
        wait = waits(request)
        body = read_object(request)
        version, model_type = body.pop("model_version", None), body.get("model_type") or "LLM"
        if not isinstance(version, str) or not isinstance(model_type, str):
            raise MissingField("`model_version` is missing, or no text.", param="model_version")
        meant = launch_of_version(version, kind_of(model_type), project(request))
        info = launch(read_launch({**body, **meant}, caller(request)))
        response = said({"model_uid": info.uid})
        return when_ready(response, info.uid) if wait else response


class LaunchFace(Face):
    @documented("Terminate a model", answer={"nullable": True})
    def delete(self, request: Request, model_uid: str) -> Response:
        running(model_uid, project(request))
        api.terminate(model_uid, who(request), within=project(request))
        return said(None)


class ProgressFace(Face):
    @documented("How far a launch is", answer=form(progress="number", stage="string"))
    def get(self, request: Request, model_uid: str) -> Response:
        try:
            return said(describe.progress(api.running_launch(model_uid, project(request))))
        except NotFound:
            pass
        try:
            return said(describe.progress(api.launch_info(model_uid, project(request))))
        except NotFound:
            # Asked for beside the request to launch, which may not have arrived yet.
            return said({"progress": 0.0, "stage": "pending", "download_files": [], "replicas": []})


class CancelFace(Face):
    @documented("End a launch that is not ready yet", answer={"nullable": True})
    def post(self, request: Request, model_uid: str) -> Response:
        api.cancel(model_uid, who(request), within=project(request))
        return said(None)


class EventsFace(Face):
    @documented(
        "What happened to a model",
        answer=list_of(form(event_type="string", event_ts="integer", event_content="string")),
    )
    def get(self, request: Request, model_uid: str) -> Response:
        found = api.events(uid=model_uid, limit=_EVENTS_SHOWN, project=project(request))
        return said([describe.event(one) for one in found])


class InstancesFace(Face):
    @documented(
        "Models that run, with their replicas",
        answer=list_of({"type": "object"}),
        query=[query("model_name", "Only of this family."), query("model_uid", "Only this one.")],
    )
    def get(self, request: Request) -> Response:
        name = request.query_params.get("model_name")
        uid = request.query_params.get("model_uid")
        found = [
            describe.instance(info)
            for info in api.launches(project(request))
            if (not uid or info.uid == uid) and (not name or name in (info.family, info.uid))
        ]
        return said(found)
