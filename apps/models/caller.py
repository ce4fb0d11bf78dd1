"""Who asks, in the words of the actions here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.api import Actor, actor_of
from apps.models.permitted import SHARE, UNSAFE
from xplatform.core.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Caller:
    #: for events, and for what people keep for themselves
    name: str
    #: slug of the project whose things are seen and changed; None: those of all
    project: str | None
    #: may have code run and files opened (``permitted``)
    unsafe: bool
    #: may let other projects use what belongs to one
    shares: bool
    #: may see what lies on the machines
    sees_files: bool

    def order(self, shared: bool = False) -> dict[str, Any]:
        """What an order is told beside what was asked for."""
        self.check_sharing(shared)
        return {
            "requested_by": self.name,
            "project": self.project or "",
            "unsafe": self.unsafe,
            "shared": shared,
        }

    def check_sharing(self, shared: bool) -> None:
        """Raises Forbidden."""
        if shared and not self.shares:
            raise Forbidden(
                f"`shared` lets all projects use it: that needs the permission {SHARE}.",
                param="shared",
            )


def caller(request: Request | HttpRequest) -> Caller:
    return caller_of(actor_of(request))


def caller_of(actor: Actor) -> Caller:
    return Caller(
        name=actor.name,
        project=actor.project or None,
        unsafe=actor.may(UNSAFE),
        shares=actor.may(SHARE),
        sees_files=actor.may("files.read"),
    )
