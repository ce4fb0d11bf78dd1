"""The errors of this platform, sorted by who must act.

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

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

import msgspec

from xplatform.engines.protocol import Fault

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
        message: str,
        *,
        param: str | None = None,
        data: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, Any] = data or {}
        if param is not None:
            self.param = param
        if retry_after is not None:
            self.retry_after = retry_after

    @classmethod
    def said(
        cls,
        message: str,
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


# --- caller: change the request --------------------------------------------------------------


class CallerError(PlatformError):
    """Repeating the same request cannot help."""

    who = "caller"


class InvalidRequest(CallerError):
    """The request contradicts itself or breaks a rule that spans several fields."""

    code = "invalid_request"
    cure = "Change the field that `param` names, as the message says."


class InvalidJSON(InvalidRequest):
    """The body is not one JSON object in UTF-8 (or has a key twice, or is nested too deep)."""

    code = "invalid_json"
    cure = "Send one well-formed JSON object; the message tells the place."


class MissingField(InvalidRequest):
    """A required field is absent."""

    code = "missing_required_parameter"
    cure = "Send the field that `param` names."


class InvalidValue(InvalidRequest):
    """A field has the wrong type or a value that is not allowed."""

    code = "invalid_value"
    cure = "The message tells the value received and what is allowed."


class UnknownField(InvalidRequest):
    """A field that this route does not know."""

    code = "unknown_field"
    cure = "Remove the field, or use the close name that the message offers."


class Unsupported(CallerError):
    """The engine (or the model, or this platform) cannot do what a field asks for."""

    code = "unsupported_parameter"
    cure = "Leave the parameter out, or call a model whose engine supports it."

    def __init__(
        self,
        param: str,
        engine: str,
        hint: str = "",
        *,
        data: dict[str, Any] | None = None,
    ) -> None:
        by = f"engine '{engine}'" if engine else "this server"
        message = f"'{param}' is not supported by {by}."
        super().__init__(
            f"{message} {hint}" if hint else message,
            param=param,
            data={"engine": engine, **(data or {})},
        )


class ContextLengthExceeded(CallerError):
    """The prompt (with the answer asked for) does not fit into the model's context."""

    code = "context_length_exceeded"
    cure = "Shorten the input or lower max_tokens; the message has both numbers."

    def __init__(self, tokens: int, limit: int, *, param: str | None = "messages") -> None:
        super().__init__(
            f"This model's maximum context length is {limit} tokens, but the request needs"
            f" {tokens} tokens. Shorten the input or lower max_tokens.",
            param=param,
            data={"tokens": tokens, "limit": limit},
        )


class ModelNotFound(CallerError):
    """No running model, alias or launchable name is called so, or the key may not see it."""

    code = "model_not_found"
    status = 404
    cure = "`GET /v1/models` lists the names; the message has close ones."

    def __init__(self, name: str, close: Sequence[str] = ()) -> None:
        shown = name if len(name) <= 100 else name[:99] + "…"
        close = list(close)
        hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
        super().__init__(
            f"The model '{shown}' does not exist or you do not have access to it.{hint}",
            param="model",
            data={"model": name, "close": close},
        )


class NotFound(CallerError):
    """The address or the thing it names does not exist."""

    code = "not_found"
    status = 404
    cure = "Check the path and the id in it."


class MethodNotAllowed(CallerError):
    """The address exists, but not with this method."""

    code = "method_not_allowed"
    status = 405
    cure = "Use one of the methods in the `Allow` header."

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(
            f"Method {method} is not allowed here; allowed: {', '.join(allowed)}.",
            data={"allowed": list(allowed)},
        )


class Conflict(CallerError):
    """The thing is in a state (or has a name) that does not allow this."""

    code = "conflict"
    status = 409
    cure = "Look at the present state, then decide anew."


class DoesNotFit(Conflict):
    """The model needs more memory, or other devices, than any node has free."""

    code = "does_not_fit"
    cure = "Choose a smaller quantization or context, end another model, or add a machine."


class RequestAborted(CallerError):
    """The request was aborted on somebody's demand before it was finished."""

    code = "request_aborted"
    status = 409
    cure = "Nothing, if it was you; send it again otherwise."

    def __init__(self, message: str = "The request was aborted.") -> None:
        super().__init__(message)


class BodyTooLarge(CallerError):
    """The body is larger than the server takes."""

    code = "body_too_large"
    status = 413
    cure = "Send less, or ask the operator to raise the limit."

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The request body is larger than {limit} bytes, the most this server takes.",
            data={"limit": limit},
        )


class UnsupportedMediaType(CallerError):
    """The body has a content type (or encoding) that this route does not read."""

    code = "unsupported_media_type"
    status = 415
    cure = "Send `Content-Type: application/json`."


class NotAuthenticated(CallerError):
    """No API key or token, or one that is unknown or revoked."""

    code = "invalid_api_key"
    status = 401
    type = "authentication_error"
    cure = "Send `Authorization: Bearer <key>` with a valid key."
    #: RFC 6750's word for the header ``WWW-Authenticate``
    challenge: str = "invalid_token"

    def __init__(
        self, message: str = "No valid API key was provided.", *, missing: bool = False
    ) -> None:
        """``missing``: nothing was sent at all, which is no error of a token."""
        super().__init__(message)
        if missing:
            self.challenge = ""


class KeyExpired(NotAuthenticated):
    """The API key or token was right, and its time is over."""

    code = "key_expired"
    cure = "Renew the token, or ask for a new key."

    def __init__(self, message: str = "This API key has expired.") -> None:
        super().__init__(message)


class KeyRevoked(NotAuthenticated):
    """The API key or token was revoked while the request ran, or lost its permission."""

    code = "key_revoked"
    cure = "Ask for a new key; `on_revoke` decides whether running requests may finish."

    def __init__(
        self,
        message: str = "The API key of this request was revoked, or lost its permission: "
        "the request was ended.",
    ) -> None:
        super().__init__(message)


class MalformedToken(CallerError):
    """What was sent as a token has the beginning of one and not its form."""

    code = "malformed_token"
    status = 400
    type = "authentication_error"
    cure = "Send the token as it was given, whole and unchanged."

    def __init__(self, message: str = "The token is malformed.") -> None:
        super().__init__(message)


class LoginFailed(CallerError):
    """A name, a password or a code is wrong. Whether there is such an account is not told."""

    code = "login_failed"
    status = 401
    type = "authentication_error"
    cure = "Check the name and the password; an administrator can set a new one."

    def __init__(self, message: str = "The name or the password is wrong.") -> None:
        super().__init__(message)


class SecondFactorRequired(CallerError):
    """The password is right, and this account asks for a second factor as well."""

    code = "second_factor_required"
    status = 401
    type = "authentication_error"
    cure = "Send the code of the authenticator app, or a recovery code, in `otp`; or use a passkey."

    def __init__(self, message: str, *, data: dict[str, Any] | None = None) -> None:
        super().__init__(message, param="otp", data=data)


class Forbidden(CallerError):
    """The key is valid but lacks the permission."""

    code = "insufficient_permissions"
    status = 403
    type = "permission_error"
    cure = "Ask an administrator for the permission that the message names."

    @classmethod
    def lacking(cls, permission: str, how: str = "") -> Self:
        """``how`` it has to be had, where that is not enough: "as …"."""
        needed = f"{permission} {how}" if how else permission
        return cls.said(f"This needs the permission {needed}.", data={"permission": permission})


class AddressNotAllowed(CallerError):
    """The key is valid, but not from the address that the request came from."""

    code = "address_not_allowed"
    status = 403
    type = "permission_error"
    cure = "Call from one of the key's networks, or ask for a key without this limit."

    def __init__(self, address: str) -> None:
        super().__init__(
            f"This API key may not be used from the address {address or 'of this request'}.",
            data={"address": address},
        )


class SourceNotFound(CallerError):
    """The hub (or the node) has no such repository, revision, file or path."""

    code = "source_not_found"
    status = 404
    cure = "Check the name, the revision and the file that the message tells, and the hub."


class SourceForbidden(CallerError):
    """The repository is private or gated and the token is missing or not allowed to read it."""

    code = "source_forbidden"
    status = 403
    type = "permission_error"
    cure = "The message says which token to set, and where to ask for access."


class UrlRefused(CallerError):
    """An address in the request is none that this server may follow."""

    code = "url_refused"
    cure = "Send the content itself (a data: URL), or ask the operator to allow the host."


class UrlUnreadable(CallerError):
    """An address in the request could not be read: no answer, an error, too large or too slow."""

    code = "url_unreadable"
    cure = "Check the address from elsewhere, or send the content itself (a data: URL)."


# --- capacity: wait, or add machines ---------------------------------------------------------


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
        super().__init__(
            "Too many attempts to log in failed. Try again later.", retry_after=retry_after
        )


class QueueFull(CapacityError):
    """All slots of the model are busy and its waiting line is full."""

    code = "queue_full"
    cure = "Wait for `Retry-After` seconds; the operator may add replicas."

    def __init__(
        self,
        message: str = "All slots of the model are busy and its queue is full.",
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)


class ModelUnavailable(CapacityError):
    """The model exists but has no replica that is ready: it is loading, stopped or recovering."""

    code = "model_unavailable"
    status = 503
    type = "api_error"
    retry_after = 5.0
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


# --- engine: look at its log -----------------------------------------------------------------


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
            f"The engine could not start: {_presentable(reason)}", retry_after=retry_after
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


# --- platform: look at us --------------------------------------------------------------------


class OwnError(PlatformError):
    """This platform's fault, or its doing."""

    who = "platform"
    type = "api_error"
    status = 503


class ServerStopping(OwnError):
    """This server is shutting down and takes no more requests."""

    code = "server_stopping"
    retryable = True
    retry_after = 1.0
    cure = "Retry; another server, or the new one, will answer."

    def __init__(self, message: str = "The server is shutting down.") -> None:
        super().__init__(message)


class ServerStarting(OwnError):
    """This server has just started and has not read its keys and models yet."""

    code = "server_starting"
    retryable = True
    retry_after = 1.0
    cure = "Retry in a moment; if it stays so, the database cannot be reached."

    def __init__(
        self, message: str = "The server has not read its keys and models from the database yet."
    ) -> None:
        super().__init__(message)


class BrokerUnavailable(OwnError):
    """The message broker cannot be reached, so no work can be handed out."""

    code = "broker_unavailable"
    retryable = True
    retry_after = 2.0
    cure = "Retry; the operator looks at the broker."

    def __init__(self, message: str = "The message broker cannot be reached.") -> None:
        super().__init__(message)


class NodeSilent(OwnError):
    """A machine of the cluster does not answer: it is down, cut off or very busy."""

    code = "node_silent"
    retryable = True
    retry_after = 5.0
    cure = "Retry; if it stays so, look at the machine and its node's log."

    def __init__(self, node: str, why: str = "") -> None:
        super().__init__(
            f"Node {node!r} does not answer{f': {why}' if why else ''}.", data={"node": node}
        )


class StreamLost(OwnError):
    """A part of the answer was lost between the replica and this server."""

    code = "stream_lost"
    retryable = True
    retry_after = 1.0
    cure = "Retry; the text received so far is right but not complete."

    def __init__(
        self, message: str = "A part of the answer was lost on its way and cannot be restored."
    ) -> None:
        super().__init__(message)


class HubUnavailable(OwnError):
    """A hub (or another node) did not deliver, after many attempts."""

    code = "hub_unavailable"
    retryable = True
    retry_after = 30.0
    cure = "Retry: the download goes on where it ended. Check the network, or set a mirror."


class SsoUnavailable(OwnError):
    """The server that people sign in with does not answer, or not as what it was set up as."""

    code = "sso_unavailable"
    retryable = True
    cure = "Try again later; `POST /api/sso/providers/{name}/check` tells the operator why."


class Offline(OwnError):
    """Files are missing that may not be fetched, since this node is set to be offline."""

    code = "offline"
    cure = "Fetch the files where there is a network, or switch `offline` off."


class FilesDamaged(OwnError):
    """What was fetched, twice, is not what the hub lists: another size or checksum."""

    code = "files_damaged"
    status = 502
    cure = "Look at the mirror or proxy in between; the damaged file was deleted."


class SecretUnreadable(OwnError):
    """A stored secret cannot be decrypted: its key is not in this machine's vault."""

    code = "secret_unreadable"
    status = 500
    cure = "The operator gives this process the vault's keys, or the secret is entered again."


class Internal(OwnError):
    """A defect of this platform; the log has the details under the request's id."""

    code = "internal_error"
    status = 500
    cure = "Report it with the request's id."

    def __init__(self, message: str = "The server had an internal error.") -> None:
        super().__init__(message)


# --- between the layers ----------------------------------------------------------------------

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
        error = Unsupported(fault.param, engine, _presentable(fault.message))
    else:
        message = _presentable(fault.message) or f"The engine '{engine}' failed without a reason."
        error = kind.said(message, param=fault.param, data=data)
    if kind is EngineFailed and fault.retryable:
        error.status, error.retryable, error.retry_after = 503, True, 1.0
    return error


def to_fault(error: PlatformError) -> Fault:
    """The way back: ``from_fault(to_fault(e), …)`` has the same code and message."""
    return Fault(error.code, error.message, error.param, error.data or None, error.retryable)


def envelope(error: PlatformError) -> bytes:
    """The body of an error response: OpenAI's object, and Xinference's ``detail`` beside it."""
    return msgspec.json.encode({"error": error_object(error), "detail": error.message})


def error_object(error: PlatformError) -> dict[str, Any]:
    """OpenAI's ``error`` object: always all four keys, ``retry_after`` where it is known."""
    shape: dict[str, Any] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if error.retry_after is not None:
        shape["retry_after"] = error.retry_after
    return shape


def headers(error: PlatformError) -> dict[str, str]:
    """Headers that belong to the error. ``x-should-retry`` is what the published OpenAI clients
    obey before their own rules (which would repeat any 409 and 500)."""
    out = {"x-should-retry": "true" if error.retryable else "false"}
    if error.retry_after is not None:
        out["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        out["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, MethodNotAllowed):
        out["Allow"] = ", ".join(error.data.get("allowed", ()))
    return {**out, **error.more_headers}


def _challenge(error: PlatformError) -> str:
    """RFC 6750, section 3: who sent nothing is not told of an error."""
    challenge = 'Bearer realm="xplatform"'
    if problem := getattr(error, "challenge", ""):
        # The header's text is printable ASCII without quotes.
        said = re.sub(r"[^ -~]|[\"\\\\]", "'", error.message.replace("…", "..."))
        challenge += f', error="{problem}", error_description="{said}"'
    return challenge


def markdown_table() -> str:
    """The table of ``docs/errors.md``; a test compares. Codes of an app stand in its own docs."""
    rows = ["| code | status | who must act | meaning | what to do |", "|---|---|---|---|---|"]
    for code, cls in BY_CODE.items():
        if cls.__module__ != __name__:
            continue
        meaning = " ".join((cls.__doc__ or "").split())
        rows.append(f"| `{code}` | {cls.status} | {cls.who} | {meaning} | {cls.cure} |")
    return "\n".join(rows) + "\n"


def _presentable(text: str) -> str:
    """One line for a caller. Of a stack trace only the last line, which says what happened;
    the rest stays in the log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1] if "Traceback (most recent call last)" in text else " ".join(lines)
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"
