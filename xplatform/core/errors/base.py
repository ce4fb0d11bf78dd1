"""What all errors have in common, and the register of their codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from xplatform.engines.reason import Reason

#: every class with a code of its own, by that code
BY_CODE: Final[dict[str, type[PlatformError]]] = {}

_MESSAGE_LIMIT: Final = 2000


class PlatformError(Exception):
    """Base of all. Attributes of the class are defaults; an instance may differ in those that
    depend on the case (message, param, data, retry_after, retryable)."""

    code: ClassVar[str]
    who: ClassVar[str]
    cure: ClassVar[str] = ""
    #: what OpenAI calls the type of an error
    type: ClassVar[str] = "invalid_request_error"
    status: int = 400
    #: the same request may succeed later without any change
    retryable: bool = False
    #: the field of the request that is to blame
    param: str | None = None
    #: seconds after which a retry makes sense
    retry_after: float | None = None
    #: headers of the answer beside those that ``headers`` makes of the above
    more_headers: Mapping[str, str] = MappingProxyType({})
    #: the message for other languages; None: it is English only
    reason: Reason | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if code is None:
            return  # a group, never raised itself
        if code in BY_CODE:
            raise TypeError(f"error code {code!r} belongs to {BY_CODE[code].__name__} already")
        BY_CODE[code] = cls

    def __init__(
        self,
        message: str | Reason,
        *,
        param: str | None = None,
        data: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(str(message))
        self.message = str(message)
        if isinstance(message, Reason):
            self.reason = message
        self.data: dict[str, Any] = data or {}
        if param is not None:
            self.param = param
        if retry_after is not None:
            self.retry_after = retry_after

    @classmethod
    def said(
        cls,
        message: str | Reason,
        *,
        param: str | None = None,
        data: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> Self:
        """The same error with a message of someone else's (an engine's, another process's),
        also for classes that otherwise compose their message from their own arguments."""
        error = cls.__new__(cls)
        PlatformError.__init__(error, message, param=param, data=data, retry_after=retry_after)
        return error


def presentable(text: str) -> str:
    """One line for a caller. Of a stack trace only the last line, which says what happened;
    the rest stays in the log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1] if "Traceback (most recent call last)" in text else " ".join(lines)
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"
