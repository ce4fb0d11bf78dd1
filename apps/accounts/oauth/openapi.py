"""The provider's endpoints in the OpenAPI document: they are not REST framework's."""

from __future__ import annotations

from typing import Any, Final

from apps.accounts.oauth.endpoints import DEVICE_GRANT

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_FORM: Final = "application/x-www-form-urlencoded"


def _shape(required: str = "", **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": fields}
    if required:
        made["required"] = required.split()
    return made


def _fields(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), _TEXT)


_PROBLEM: Final = _shape("error", error=_TEXT, error_description=_TEXT)
_METADATA: Final = _shape("issuer", issuer=_TEXT, **_fields("token_endpoint jwks_uri"))
_CLIENT: Final = _fields("client_id client_secret")
_TOKENS: Final = _shape(
    "access_token token_type expires_in scope",
    **_fields("access_token token_type refresh_token scope id_token"),
    expires_in=_NUMBER,
)
_DEVICE: Final = _shape(
    "device_code user_code verification_uri expires_in",
    **_fields("device_code user_code verification_uri verification_uri_complete"),
    expires_in=_NUMBER,
    interval=_NUMBER,
)
_ACTIVE: Final = _shape(
    "active",
    active={"type": "boolean"},
    **_fields("scope client_id username sub token_type"),
    exp=_NUMBER,
    iat=_NUMBER,
)
_PERSON: Final = _shape(
    "sub",
    **_fields("sub name preferred_username email"),
    email_verified={"type": "boolean"},
    groups={"type": "array", "items": _TEXT},
)
_GRANT: Final = {
    "type": "string",
    "enum": ["authorization_code", "client_credentials", "refresh_token", DEVICE_GRANT],
}


def _operation(
    name: str, summary: str, answer: dict[str, Any] | None, form: dict[str, Any] | None, codes: str
) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "OK"}}
    if answer is not None:
        responses["200"]["content"] = {"application/json": {"schema": answer}}
    for code in codes.split():
        refused = {"application/json": {"schema": _PROBLEM}}
        responses[code] = {"description": "Refused.", "content": refused}
    made: dict[str, Any] = {
        "operationId": name,
        "tags": ["oauth"],
        "summary": summary,
        "responses": responses,
        "security": [{}],
    }
    if form is not None:
        made["requestBody"] = {"required": True, "content": {_FORM: {"schema": form}}}
    return made


def _paths() -> dict[str, Any]:
    token = _shape(
        "grant_type",
        grant_type=_GRANT,
        **_fields("code redirect_uri code_verifier refresh_token device_code scope"),
        **_CLIENT,
    )
    about = _shape("token", **_fields("token token_type_hint"), **_CLIENT)
    device = _shape("client_id", **_fields("scope"), **_CLIENT)
    keys = _shape("keys", keys={"type": "array", "items": {"type": "object"}})
    get: list[tuple[str, str, str, dict[str, Any], str]] = [
        (
            "/.well-known/openid-configuration",
            "openid_configuration",
            "What this OpenID Connect provider does, and where",
            _METADATA,
            "",
        ),
        (
            "/.well-known/oauth-authorization-server",
            "oauth_metadata",
            "What this OAuth server does, and where",
            _METADATA,
            "",
        ),
        ("/.well-known/jwks.json", "jwks", "Keys that sign ID tokens", keys, ""),
        ("/oauth/userinfo", "userinfo", "Whose an access token is", _PERSON, "401 403"),
    ]
    post = [
        ("/oauth/token", "token", "Get or renew an access token", _TOKENS, token, "400 401"),
        (
            "/oauth/device-authorization",
            "device_authorization",
            "Begin a login on a device without a browser",
            _DEVICE,
            device,
            "400 401",
        ),
        ("/oauth/revoke", "revoke", "Revoke an access or refresh token", None, about, "400 401"),
        (
            "/oauth/introspect",
            "introspect",
            "Whether a token is active, and what it may",
            _ACTIVE,
            about,
            "400 401",
        ),
    ]
    paths: dict[str, Any] = {}
    for path, name, summary, answer, codes in get:
        paths[path] = {"get": _operation(f"oauth_{name}", summary, answer, None, codes)}
    for path, name, summary, shape, form, codes in post:
        paths[path] = {"post": _operation(f"oauth_{name}", summary, shape, form, codes)}
    return paths


def add_oauth(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular."""
    result.setdefault("paths", {}).update(_paths())
    return result
