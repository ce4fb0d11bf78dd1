"""The operator looks at the engine's log."""

from __future__ import annotations

from xplatform.core.errors.base import PlatformError, presentable


class EngineError(PlatformError):
    """The engine's fault, not the caller's."""

    who = "engine"
    type = "api_error"
    status = 503


class EngineStartFailed(EngineError):
    """The engine could not load the model; the message has the reason from its log."""

    code = "engine_start_failed"
    cure = "Read the launch's log and change its options."

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(
            f"The engine could not start: {presentable(reason)}", retry_after=retry_after
        )


class EngineFailed(EngineError):
    """The engine failed on this request but lives on (503 when a retry may help)."""

    code = "engine_error"
    status = 500
    cure = "Retry once; if it stays, the engine's log has the cause."


class EngineDied(EngineError):
    """The engine process ended while it worked on this request."""

    code = "engine_died"
    retryable = True
    retry_after = 1.0
    cure = "Retry; another replica, or the restarted one, will answer."

    def __init__(
        self, message: str = "The engine process ended while it worked on the request."
    ) -> None:
        super().__init__(message)
