"""Requests that were refused to their callers, for the audit: noted in memory, written by a thread
of its own, and a flood of them by count."""

from __future__ import annotations

from apps.audit import api as audit
from apps.inference.gateway.http import Exchange
from xplatform.core.errors import PlatformError


def note(exchange: Exchange, error: PlatformError) -> None:
    if error.status not in (401, 403):
        return
    actor = exchange.actor
    audit.refused(
        audit.Attempt(
            action="models.use" if exchange.path.startswith("/v1/") else exchange.path,
            reason=error.code,
            thing="model" if exchange.model else "",
            thing_id=exchange.model,
            project=actor.project if actor else "",
            who=audit.Acting(
                name=actor.name if actor else "",
                user_id=actor.user_id if actor else None,
                key_id=actor.key_id if actor else "",
                address=exchange.address,
                project=actor.project if actor else "",
                request=exchange.request_id,
                via=f"{exchange.method} {exchange.path}",
            ),
            why=error.message,
        ),
        wait=False,
    )
