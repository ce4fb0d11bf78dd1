"""One message to one address, signed as Standard Webhooks (standardwebhooks.com) has it: any of its
libraries checks it.

``webhook-id`` is the same for each attempt at one event, so that a receiver knows what it has had
already; ``webhook-signature`` is an HMAC-SHA256 over ``<id>.<timestamp>.<body>``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from apps.models.api import EventInfo
from xplatform.core import fetch
from xplatform.core.config import Settings
from xplatform.core.errors import PlatformError

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
#: the receiver wants no more
GONE: Final = 410

#: as ``xplatform.core.fetch.request``
Post = Callable[..., fetch.Answer]


@dataclass(frozen=True, slots=True)
class Outcome:
    id: str
    #: HTTP's; None: there was no answer
    status: int | None
    #: why it was not delivered; empty: it was
    error: str

    @property
    def ok(self) -> bool:
        return not self.error


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def kind_of(event: EventInfo) -> str:
    """``launch.failed``, ``replica.ready``, ``node.silent``."""
    return f"{event.subject.partition(' ')[0]}.{event.after}"


def event_id(event: EventInfo) -> str:
    return f"evt_{event.id}"


def body_of(kind: str, at: datetime, data: Any) -> bytes:
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data})


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(url: str, secret: str, id: str, body: bytes, now: datetime, settings: Settings) -> Outcome:
    """Blocks for up to ``fetch_timeout``. Raises nothing: whatever happens is an outcome."""
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, id, timestamp, body),
    }
    try:
        answer = fetch.request(url, settings, method="POST", headers=headers, body=body)
    except PlatformError as error:
        return Outcome(id, None, error.message)
    if 200 <= answer.status < 300:
        return Outcome(id, answer.status, "")
    return Outcome(id, answer.status, f"It answered {answer.status}.")
