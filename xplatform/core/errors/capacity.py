"""The caller waits; the operator adds machines or raises limits."""

from __future__ import annotations

import math
from typing import Final

from xplatform.core.errors.base import PlatformError
from xplatform.engines.reason import Reason


class CapacityError(PlatformError):
    """The request is fine; there is no room for it now."""

    who = "capacity"
    type = "rate_limit_error"
    status = 429
    retryable = True
    retry_after: float | None = 1.0


class RateLimited(CapacityError):
    """A limit of this key (or of everyone) on requests or tokens per time is used up."""

    code = "rate_limit_exceeded"
    cure = "Wait for `Retry-After` seconds; ask for a higher limit if this happens often."


class QuotaExceeded(CapacityError):
    """A limit on tokens or money per day or month is used up."""

    code = "quota_exceeded"
    #: it will, but not before tomorrow or next month
    retryable = False
    cure = "Wait until the day or month ends, in UTC; or ask for a higher limit."


class TooManyAttempts(CapacityError):
    """Too many wrong passwords or codes for this account or from this address."""

    code = "too_many_attempts"
    cure = "Wait for `Retry-After` seconds, or ask an administrator to unlock the account."

    def __init__(self, retry_after: float) -> None:
        message = Reason(
            "too_many_attempts",
            "Too many attempts to log in failed. Try again later.",
            seconds=math.ceil(retry_after),
        )
        super().__init__(message, retry_after=retry_after)


_NO_SLOT: Final = Reason("queue_full", "All slots of the model are busy and its queue is full.")


class QueueFull(CapacityError):
    """All slots of the model are busy and its waiting line is full."""

    code = "queue_full"
    cure = "Wait for `Retry-After` seconds; the operator may add replicas."

    def __init__(
        self,
        message: str | Reason = _NO_SLOT,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)


class ModelUnavailable(CapacityError):
    """The model exists but has no replica that is ready: it is loading, stopped or recovering, or
    was terminated while the request waited."""

    code = "model_unavailable"
    status = 503
    type = "api_error"
    retry_after: float | None = 5.0
    cure = "Wait for `Retry-After` seconds; the launch's state tells more."


class RequestTimeout(CapacityError):
    """The request was not finished within its time."""

    code = "request_timeout"
    status = 504
    type = "api_error"
    cure = "Ask for fewer tokens, send a longer timeout, or retry when there is less to do."


class DiskFull(CapacityError):
    """There is no room for the files, on the disk or under the limit of the cache."""

    code = "disk_full"
    status = 507
    type = "api_error"
    #: nothing changes by itself
    retryable = False
    retry_after = None
    cure = "Remove cached models, free the disk or raise `cache_max_gb`; the message has the sizes."
