"""The errors of this platform, sorted by who must act, each group in a file of its own.

=========== ==============================================================  ================
group       who must act                                                    status
=========== ==============================================================  ================
Caller      the caller changes the request, the key or the model name       4xx
Capacity    the caller waits; the operator adds replicas or raises limits   429, 503
Engine      the operator looks at the engine's log                          500, 503
Platform    the operator looks at this platform (or it is just stopping)    500, 503
=========== ==============================================================  ================

Code below raises these and nothing else towards a face; the face renders them in the shape of
the protocol that was called (``envelope`` is OpenAI's). A code is a promise: it never changes
its meaning and is never used twice. ``docs/errors.md`` lists all of them and is checked.

The docstring of a class says what happened, ``cure`` what to do about it.
"""

from __future__ import annotations

from xplatform.core.errors.base import (
    BY_CODE,
    PlatformError,
)
from xplatform.core.errors.caller import (
    AddressNotAllowed,
    BodyTooLarge,
    CallerError,
    Conflict,
    ContextLengthExceeded,
    DoesNotFit,
    Forbidden,
    InvalidJSON,
    InvalidRequest,
    InvalidValue,
    KeyExpired,
    KeyRevoked,
    LoginFailed,
    MalformedToken,
    MethodNotAllowed,
    MissingField,
    ModelNotFound,
    NotAuthenticated,
    NotFound,
    RequestAborted,
    SecondFactorRequired,
    SourceForbidden,
    SourceNotFound,
    UnknownField,
    Unsupported,
    UnsupportedMediaType,
    UrlRefused,
    UrlUnreadable,
)
from xplatform.core.errors.capacity import (
    CapacityError,
    DiskFull,
    ModelUnavailable,
    QueueFull,
    QuotaExceeded,
    RateLimited,
    RequestTimeout,
    TooManyAttempts,
)
from xplatform.core.errors.engine import (
    EngineDied,
    EngineError,
    EngineFailed,
    EngineStartFailed,
)
from xplatform.core.errors.faults import (
    from_fault,
    to_fault,
)
from xplatform.core.errors.platform import (
    BrokerUnavailable,
    FilesDamaged,
    HubUnavailable,
    Internal,
    NodeSilent,
    Offline,
    OwnError,
    SecretUnreadable,
    ServerStarting,
    ServerStopping,
    SsoUnavailable,
    StreamLost,
)
from xplatform.core.errors.shown import (
    envelope,
    error_object,
    headers,
    is_own,
    markdown_table,
)

__all__ = [
    "BY_CODE",
    "AddressNotAllowed",
    "BodyTooLarge",
    "BrokerUnavailable",
    "CallerError",
    "CapacityError",
    "Conflict",
    "ContextLengthExceeded",
    "DiskFull",
    "DoesNotFit",
    "EngineDied",
    "EngineError",
    "EngineFailed",
    "EngineStartFailed",
    "FilesDamaged",
    "Forbidden",
    "HubUnavailable",
    "Internal",
    "InvalidJSON",
    "InvalidRequest",
    "InvalidValue",
    "KeyExpired",
    "KeyRevoked",
    "LoginFailed",
    "MalformedToken",
    "MethodNotAllowed",
    "MissingField",
    "ModelNotFound",
    "ModelUnavailable",
    "NodeSilent",
    "NotAuthenticated",
    "NotFound",
    "Offline",
    "OwnError",
    "PlatformError",
    "QueueFull",
    "QuotaExceeded",
    "RateLimited",
    "RequestAborted",
    "RequestTimeout",
    "SecondFactorRequired",
    "SecretUnreadable",
    "ServerStarting",
    "ServerStopping",
    "SourceForbidden",
    "SourceNotFound",
    "SsoUnavailable",
    "StreamLost",
    "TooManyAttempts",
    "UnknownField",
    "Unsupported",
    "UnsupportedMediaType",
    "UrlRefused",
    "UrlUnreadable",
    "envelope",
    "error_object",
    "from_fault",
    "headers",
    "is_own",
    "markdown_table",
    "to_fault",
]
