"""Webhooks are made, changed, tried and deleted here: check, change, audit."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from apps.accounts.api import Actor, check_not_archived
from apps.audit import api as audit
from apps.models.api import last_event
from apps.webhooks import sending
from apps.webhooks.delivery import last_values
from apps.webhooks.models import Webhook
from xplatform.core import fetch
from xplatform.core.config import settings
from xplatform.core.errors import Conflict, InvalidValue, NotFound, UrlRefused

#: of one project, and of all
_MOST: Final = 50
_KIND: Final = re.compile(r"[a-z*]{1,20}\.[a-z_*]{1,30}")
_TOLD: Final = ("name", "kinds", "active")


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    id: str
    name: str
    project: str
    url: str
    kinds: list[str]
    active: bool
    created: datetime
    created_by: str
    #: up_to_date, waiting (to try again), silent (not active)
    state: str
    attempts: int
    next_at: datetime | None
    last_at: datetime | None
    last_id: str
    last_status: int | None
    last_error: str
    delivered_at: datetime | None
    delivered: int
    given_up: int


def webhooks(by: Actor) -> list[WebhookInfo]:
    """Those of the actor's project; all for those who see all."""
    return [_info(row) for row in _seen(by)]


def webhook(id: str, by: Actor) -> WebhookInfo:
    return _info(_get(id, by))


def create(
    by: Actor, *, name: str, url: str, kinds: list[str], active: bool
) -> tuple[WebhookInfo, str]:
    """And its secret, which is not shown again. It is told what happens from now on. Raises
    Conflict for an archived project."""
    _check(url, kinds)
    with transaction.atomic():
        if active:
            check_not_archived(by.project)
        if Webhook.objects.filter(project=by.project).count() >= _MOST:
            raise Conflict(f"There are {_MOST} webhooks already: remove one first.")
        secret = sending.new_secret()
        row = Webhook.objects.create(
            name=name,
            project=by.project,
            url=url,
            secret=secret,
            kinds=kinds,
            active=active,
            created_by=by.name,
            cursor=last_event(),
        )
        _record(by, "create", row, after=_about(row))
    return _info(row), secret


def change(id: str, by: Actor, values: Mapping[str, Any]) -> WebhookInfo:
    """What was missed while it was not active is not told later. Raises Conflict when one of an
    archived project is to wake."""
    with transaction.atomic():
        row = _get(id, by, lock=True)
        before = _about(row)
        # What is not changed may stay, so that a bad one can always be silenced.
        _check(values.get("url"), values.get("kinds", []))
        if values.get("active") and not row.active:
            check_not_archived(row.project)
            row.cursor, row.attempts, row.next_at = last_event(), 0, None
        if "url" in values and values["url"] != row.url:
            # Another address has refused nothing yet.
            row.attempts, row.next_at = 0, None
        for name, value in values.items():
            setattr(row, name, value)
        row.changed = timezone.now()
        row.save()
        _record(by, "change", row, before=before, after=_about(row))
    return _info(row)


def delete(id: str, by: Actor) -> None:
    with transaction.atomic():
        row = _get(id, by, lock=True)
        _record(by, "delete", row, before=_about(row))
        row.delete()


def renew_secret(id: str, by: Actor) -> tuple[WebhookInfo, str]:
    """What is sent from now on is signed with the new one."""
    with transaction.atomic():
        row = _get(id, by, lock=True)
        row.secret = secret = sending.new_secret()
        row.changed = timezone.now()
        row.save(update_fields=["secret", "changed"])
        _record(by, "secret", row)
    return _info(row), secret


def try_out(id: str, by: Actor) -> WebhookInfo:
    """Send it something now, active or not; how it went is what is told of it last."""
    row = _get(id, by)
    now = timezone.now()
    body = sending.body_of("test", now, {"webhook": str(row.pk), "by": by.name})
    outcome = sending.send(row.url, row.secret, f"test_{uuid.uuid4().hex}", body, now, settings())
    with transaction.atomic():
        Webhook.objects.filter(pk=row.pk).update(**last_values(outcome, now))
        said = "" if outcome.ok else f"status {outcome.status}" if outcome.status else "no answer"
        _record(by, "test", row, why=said)
    return _info(_get(id, by))


def _seen(by: Actor) -> Any:
    rows = Webhook.objects.all()
    return rows.filter(project=by.project) if by.project else rows


def _get(id: str, by: Actor, *, lock: bool = False) -> Webhook:
    rows = _seen(by).select_for_update() if lock else _seen(by)
    try:
        row: Webhook | None = rows.filter(pk=uuid.UUID(id)).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(f"There is no webhook {id[:100]!r}.", param="webhook_id")
    return row


def _check(url: str | None, kinds: list[str]) -> None:
    try:
        if url is not None:
            fetch.check_url(url)
    except UrlRefused as error:
        raise InvalidValue(error.message, param="url") from None
    for kind in kinds:
        if not _KIND.fullmatch(kind):
            raise InvalidValue(
                f"`kinds`: {kind[:50]!r} is not of the form launch.failed, replica.* or *.ready.",
                param="kinds",
            )


def _about(row: Webhook) -> dict[str, Any]:
    """For the audit: of the address the host alone, since with many receivers whoever has the path
    may write there."""
    parts = urlsplit(row.url)
    url = f"{parts.scheme}://{parts.hostname or ''}"
    return {"url": url, **{name: getattr(row, name) for name in _TOLD}}


def _record(by: Actor, action: str, row: Webhook, **values: Any) -> None:
    audit.record(by, f"webhook.{action}", "webhook", row.pk, row.project, **values)


def _info(row: Webhook) -> WebhookInfo:
    return WebhookInfo(
        id=str(row.pk),
        name=row.name,
        project=row.project,
        url=row.url,
        kinds=list(row.kinds),
        active=row.active,
        created=row.created,
        created_by=row.created_by,
        state="silent" if not row.active else "waiting" if row.attempts else "up_to_date",
        attempts=row.attempts,
        next_at=row.next_at,
        last_at=row.last_at,
        last_id=row.last_id,
        last_status=row.last_status,
        last_error=row.last_error,
        delivered_at=row.delivered_at,
        delivered=row.delivered,
        given_up=row.given_up,
    )
