"""The caller changes the request, the key or the model's name: repeating it cannot help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from xplatform.core.errors.base import PlatformError
from xplatform.engines.reason import Reason


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
            Reason(
                "context_too_long",
                f"This model's maximum context length is {limit} tokens, but the request needs"
                f" {tokens} tokens. Shorten the input or lower max_tokens.",
                tokens=tokens,
                limit=limit,
            ),
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
        text = f"The model '{shown}' does not exist or you do not have access to it."
        message = Reason("no_such_model", text, name=shown)
        if close:
            text += f" Did you mean {' or '.join(repr(c) for c in close)}?"
            message = Reason("no_such_model_but", text, name=shown, close=tuple(close))
        super().__init__(message, param="model", data={"model": name, "close": close})


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
            Reason(
                "body_too_large",
                f"The request body is larger than {limit} bytes, the most this server takes.",
                limit=limit,
            ),
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

    def __init__(self, message: Reason | None = None, *, param: str | None = None) -> None:
        super().__init__(
            message or Reason("wrong_login", "The name or the password is wrong."), param=param
        )


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
        data = {"permission": permission}
        if how:
            return cls.said(f"This needs the permission {permission} {how}.", data=data)
        text = f"This needs the permission {permission}."
        return cls.said(Reason("needs_permission", text, permission=permission), data=data)


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
