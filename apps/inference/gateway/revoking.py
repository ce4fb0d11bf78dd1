"""What runs on a credential ends with it: revoked, expired, or what it was for is not allowed any
more. ``on_revoke`` lets it finish instead."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from apps.inference.gateway.auth import Callers
from apps.inference.gateway.http import Exchange
from apps.inference.gateway.hub import Hub
from xplatform.core import errors
from xplatform.core.errors import PlatformError

log = logging.getLogger(__name__)


def end_refused(exchanges: Iterable[Exchange], callers: Callers, hub: Hub) -> None:
    """Once a second, for what expires, and after each change."""
    for exchange in exchanges:
        if exchange.record is None or exchange.refused is not None:
            continue
        if (error := _refusal(exchange, callers)) is not None:
            log.info("%s: %s", exchange.request_id, error.message)
            exchange.refused = error
            for ticket in exchange.tickets:
                hub.end(ticket, error)


def _refusal(exchange: Exchange, callers: Callers) -> PlatformError | None:
    """What the same request would be told if it came now, with the token that its own was renewed
    to."""
    try:
        try:
            known = callers.check(exchange)
        except PlatformError:
            if (renewed := callers.renewed(exchange)) is None:
                raise
            known = renewed
    except errors.KeyExpired as error:
        return error
    except PlatformError:
        return errors.KeyRevoked()
    before, now = exchange.actor, known.actor
    assert before is not None
    lost = before.may("models.use") and not now.may("models.use")
    return errors.KeyRevoked() if lost or now.project != before.project else None
