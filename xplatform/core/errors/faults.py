"""Errors on their way between the layers: as an engine, a replica or a node says them."""

from __future__ import annotations

from typing import Final

from xplatform.core.errors.base import BY_CODE, PlatformError, presentable
from xplatform.core.errors.caller import ContextLengthExceeded, InvalidRequest, Unsupported
from xplatform.core.errors.capacity import QueueFull
from xplatform.core.errors.engine import EngineFailed
from xplatform.engines.protocol import Fault

_FAULTS: Final[dict[str, type[PlatformError]]] = {
    "invalid": InvalidRequest,
    "too_long": ContextLengthExceeded,
    "unsupported": Unsupported,
    "overloaded": QueueFull,
    "engine": EngineFailed,
}


def from_fault(fault: Fault, engine: str) -> PlatformError:
    """What a fault from the other side means here.

    Besides the codes of ``protocol.Fault``, any code of this module is taken, so that a replica
    can say ``engine_died`` or ``server_stopping``; an unknown code is the engine's failure.
    """
    data = fault.data or {}
    kind = _FAULTS.get(fault.code) or BY_CODE.get(fault.code, EngineFailed)
    tokens, limit = data.get("tokens"), data.get("limit")
    error: PlatformError
    if kind is ContextLengthExceeded and isinstance(tokens, int) and isinstance(limit, int):
        error = ContextLengthExceeded(tokens, limit, param=fault.param)
    elif fault.code == "unsupported" and fault.param is not None:
        error = Unsupported(fault.param, engine, presentable(fault.message))
    else:
        message = presentable(fault.message) or f"The engine '{engine}' failed without a reason."
        error = kind.said(message, param=fault.param, data=data)
    if kind is EngineFailed and fault.retryable:
        error.status, error.retryable, error.retry_after = 503, True, 1.0
    return error


def to_fault(error: PlatformError) -> Fault:
    """The way back: ``from_fault(to_fault(e), …)`` has the same code and message."""
    return Fault(error.code, error.message, error.param, error.data or None, error.retryable)
