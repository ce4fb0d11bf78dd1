"""Making an entry: one INSERT in the transaction of the change, so that there is never one
without the other, and no lock that another change would wait for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from django.utils import timezone

from apps.audit import context, redaction, signing
from apps.audit.models import Entry

Outcome = Literal["done", "refused", "failed"]


def record(
    actor: context.Who | str | None,
    action: str,
    thing: str,
    thing_id: object = "",
    project: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    outcome: Outcome = "done",
    why: object = "",
    count: int = 1,
) -> None:
    """Somebody did this, or tried to. To be called inside the transaction of the change.

    ``actor`` is whoever acts; a mere name, or None, stands for whoever sent the request that is
    being answered, or typed the command that runs. Of ``before`` and ``after`` only what differs
    is kept, and no secrets.
    """
    before, after = redaction.changed(before, after)
    values: dict[str, Any] = {
        "uid": uuid.uuid4(),
        "at": timezone.now(),
        **_who(actor),
        "action": redaction.text(action, 64),
        "thing": redaction.text(thing, 64),
        "thing_id": redaction.text(thing_id, 200),
        "project": redaction.text(project, 50),
        "before": redaction.as_json(before),
        "after": redaction.as_json(after),
        "outcome": outcome,
        "why": redaction.text(why),
        "count": count,
    }
    signed_by, signature = signing.sign(values)
    Entry.objects.create(**values, signed_by=signed_by, signature=signature)


def _who(actor: context.Who | str | None) -> dict[str, Any]:
    now = context.now() or context.Acting()
    # A mere name says less than the request or command does, if that knows who acts.
    mere = actor is None or isinstance(actor, str) or now.at_the_machine
    who: Any = now if mere else actor
    name = who.name or (actor if isinstance(actor, str) else "")
    user_id = getattr(who, "user_id", None)
    return {
        "who": redaction.text(name or "nobody", 150),
        "user": user_id if isinstance(user_id, int) else None,
        "key": redaction.text(who.key_id or "", 64),
        "address": redaction.text(who.address or now.address, 64),
        "request": redaction.text(now.request, 128),
        "via": redaction.text(now.via, 200),
    }
