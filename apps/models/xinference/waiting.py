"""Answers that are given when a model is ready, without a thread that waits for it.

The face does its work as any other; where there is something to wait for, it says so on its
response, and the answer is held back on the event loop until then. A client that goes away ends
the wait, not the launch.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from apps.models import api
from apps.models.states import LIVE, LaunchState, ReplicaState
from apps.models.xinference.face import Face
from xplatform.core import errors
from xplatform.core.errors import PlatformError

_FIRST_LOOK, _LAST_LOOK = 0.05, 1.0


def when_ready(response: Response, uid: str) -> Response:
    """Hold this response back until the launch is ready."""
    vars(response)["wait_for"] = uid
    return response


def waiting(face: type[Face]) -> Callable[..., Any]:
    """``as_view`` of a face whose responses may be held back."""
    view = face.as_view()

    async def wait(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        response: HttpResponseBase = await sync_to_async(view)(request, **parts)
        uid = getattr(response, "wait_for", "")
        if uid:
            try:
                await until_ready(uid)
            except PlatformError as error:
                return _refusal(error)
        return response

    # What marks it as a face: its class for the document, no CSRF check by the middleware.
    return functools.update_wrapper(wait, view)


async def until_ready(uid: str) -> None:
    """All replicas that were begun are ready. Raises EngineStartFailed with the reason, or
    RequestAborted when the launch was cancelled meanwhile."""
    look = _FIRST_LOOK
    while not await sync_to_async(_is_ready)(uid):
        await asyncio.sleep(look)
        look = min(_LAST_LOOK, look * 1.3)


def _is_ready(uid: str) -> bool:
    try:
        info = api.running_launch(uid)
    except errors.NotFound:
        info = None
    if info is None or (info.state == LaunchState.STOPPED and info.min_replicas):
        raise errors.RequestAborted(f"The launch of {uid!r} was cancelled before it was ready.")
    if info.state == LaunchState.FAILED:
        raise errors.EngineStartFailed.said(f"The model {uid!r} cannot be started: {info.reason}")
    if info.state == LaunchState.STOPPED:
        return True  # it starts when it is called
    return info.state == LaunchState.READY and all(
        one.state in (ReplicaState.READY, ReplicaState.DRAINING)
        for one in info.replicas
        if ReplicaState(one.state) in LIVE
    )


def _refusal(error: PlatformError) -> HttpResponse:
    return HttpResponse(
        errors.envelope(error),
        content_type="application/json",
        status=error.status,
        headers=errors.headers(error),
    )
