"""What programs call: tokens, device codes, revocation, introspection, userinfo, discovery."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider import views
from oauth2_provider.exceptions import (
    InvalidIDTokenError,
    InvalidOIDCClientError,
    OIDCError,
)
from oauth2_provider.models import (
    DeviceCodeResponse,
    DeviceRequest,
    create_device_grant,
    get_access_token_model,
)
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.utils import jwk_from_pem
from oauthlib.common import Request

from apps.accounts.oauth.codes import shown_code
from apps.accounts.oauth.leading import leads_to
from apps.accounts.oauth.models import Application
from apps.accounts.oauth.scopes import Scopes
from apps.accounts.oauth.signing import ID_TOKEN_SECONDS, published_keys
from apps.accounts.oauth.validator import code_digest

AccessToken = get_access_token_model()

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = ["authorization_code", "client_credentials", "refresh_token", DEVICE_GRANT]


def problem(error: str, description: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class Token(views.TokenView):  # type: ignore[misc]
    """``/oauth/token``. Device codes take the same way as the rest: the toolkit's own way for
    them takes a code twice, and from any client."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        device = request.POST.get("grant_type") == DEVICE_GRANT
        if device and not request.POST.get("device_code"):
            return problem("invalid_request", "Missing device_code parameter.")
        if "\x00" in str(request.POST.dict()):
            return problem("invalid_request", "A parameter has a NUL character.")
        return _json(self.authorization_flow_token_response(request))


class DeviceAuthorization(views.DeviceAuthorizationView):  # type: ignore[misc]
    """``/oauth/device-authorization`` (RFC 8628, 3.1)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        headers, body, status = self.create_device_authorization_response(request)
        if status != 200:
            return JsonResponse(json.loads(body), status=status, headers=headers)
        application = Application.objects.get(client_id=request.POST["client_id"])
        if not application.allows_grant_type(Application.GRANT_DEVICE_CODE):
            return problem("unauthorized_client", "This application is not for devices.")
        asked = request.POST.get("scope", "").split()
        scopes = asked or Scopes().get_default_scopes(application)
        page = origin(request) + "/device"
        answer = {
            **body,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={shown_code(body['user_code'])}",
        }
        kept = DeviceCodeResponse(
            verification_uri=page,
            expires_in=body["expires_in"],
            user_code=body["user_code"],
            device_code=code_digest(body["device_code"]),
            interval=body["interval"],
        )
        create_device_grant(DeviceRequest(application.client_id, " ".join(scopes)), kept)
        answer["user_code"] = shown_code(body["user_code"])
        return JsonResponse(answer, headers={"Cache-Control": "no-store"})


class Revoke(views.RevokeTokenView):  # type: ignore[misc]
    """``/oauth/revoke`` (RFC 7009): a token that is not the client's own is left alone, and the
    answer is the same."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _json(super().post(request))


class UserInfo(views.UserInfoView):  # type: ignore[misc]
    """``/oauth/userinfo``."""

    def _create_userinfo_response(self, request: HttpRequest) -> HttpResponse:
        return _json(super()._create_userinfo_response(request))


# The toolkit's own exempts its `dispatch`, which this one does not call.
@method_decorator(csrf_exempt, name="dispatch")
class Introspect(views.IntrospectTokenView):  # type: ignore[misc]
    """``/oauth/introspect`` (RFC 7662), for authenticated clients, about tokens that were issued
    to them or act in their own project. Of all others they learn that they are not active."""

    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            wrong: HttpResponse = self.http_method_not_allowed(request)
            return wrong
        client = self._client(request)
        if client is None:
            refused = problem("invalid_client", "The client is not known here.", 401)
            refused["WWW-Authenticate"] = 'Basic realm="oauth"'
            return refused
        value = request.POST.get("token")
        if not value:
            return problem("invalid_request", "Missing token parameter.")
        return JsonResponse(_told(value, client), headers={"Cache-Control": "no-store"})

    def _client(self, request: HttpRequest) -> Application | None:
        core = self.get_oauthlib_core()
        asked = Request(*core._extract_params(request))
        if not core.server.request_validator.authenticate_client(asked):
            return None
        client: Application = asked.client
        return client if client.client_type == client.CLIENT_CONFIDENTIAL else None


def _told(value: str, client: Application) -> dict[str, Any]:
    digest = hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
    found = AccessToken.objects.select_related("user", "application")
    token = found.filter(token_checksum=digest).first()
    if token is None or token.is_expired() or not token.application.is_usable(None):
        return {"active": False}
    same_project = client.project is not None and token.application.project == client.project
    if token.application != client and not same_project:
        return {"active": False}
    user = token.user or token.application.user
    if user is None or not user.is_active:
        return {"active": False}
    return {
        "active": True,
        "scope": token.scope,
        "client_id": token.application.client_id,
        "username": user.get_username(),
        "sub": str(user.pk),
        "token_type": "Bearer",
        "exp": int(token.expires.timestamp()),
        "iat": int(token.created.timestamp()),
    }


class Logout(views.RPInitiatedLogoutView):  # type: ignore[misc]
    """``/oauth/logout`` (OpenID Connect RP-Initiated Logout 1.0)."""

    template_name = "oauth/logout.html"

    def get_request_application(self, id_token: Any, client_id: str | None) -> Application | None:
        if client_id:
            named: Application | None = Application.objects.filter(client_id=client_id).first()
            if named is None:
                raise InvalidOIDCClientError()
            return named
        application: Application | None = id_token.application if id_token else None
        return application

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        page: HttpResponse = super().render_to_response(context, **kwargs)
        # It has been looked at by now.
        address = self.oidc_data.get("post_logout_redirect_uri")
        return leads_to(page, address) if address else page

    def validate_logout_request_user(self, id_token_hint: str | None, client_id: Any) -> Any:
        try:
            return super().validate_logout_request_user(id_token_hint, client_id)
        except (ValueError, KeyError, TypeError, AttributeError):
            # The toolkit reads claims before it knows that they are claims.
            raise InvalidIDTokenError() from None

    def error_response(self, error: OIDCError) -> HttpResponse:
        context = {"problem": error.description}
        return render(self.request, self.template_name, context, status=400)


class Discovery(views.ConnectDiscoveryInfoView):  # type: ignore[misc]
    """``/.well-known/openid-configuration``: what this server does, and no more."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _public({**json.loads(super().get(request).content), **_truth(self, request)})


class ServerMetadata(views.OAuthServerMetadataView):  # type: ignore[misc]
    """``/.well-known/oauth-authorization-server`` (RFC 8414): the same."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _public({**json.loads(super().get(request).content), **_truth(self, request)})


class Keys(views.JwksInfoView):  # type: ignore[misc]
    """``/.well-known/jwks.json``. The toolkit's has the keys that it read at the start."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        keys = [jwk_from_pem(pem) for pem in published_keys()]
        shown = [
            {"alg": "RS256", "use": "sig", "kid": key.thumbprint(), **key.export_public(True)}
            for key in keys
        ]
        # Whoever sees a token of another key asks again: for no longer than a token lives is a new
        # one unknown to those who do not.
        return JsonResponse(
            {"keys": shown},
            headers={
                "Access-Control-Allow-Origin": "*",
                "Cache-Control": f"public, max-age={ID_TOKEN_SECONDS}",
            },
        )


def _truth(view: Any, request: HttpRequest) -> dict[str, Any]:
    methods = ["client_secret_basic", "client_secret_post"]

    def at(name: str) -> Any:
        return view._get_endpoint_url(request, name, required=True)

    return {
        "device_authorization_endpoint": at("device-authorization"),
        "revocation_endpoint": at("revoke-token"),
        "introspection_endpoint": at("introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_methods_supported": [*methods, "none"],
        "grant_types_supported": GRANTS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "id_token_signing_alg_values_supported": [Application.RS256_ALGORITHM],
        "prompt_values_supported": ["none", "login"],
    }


def _json(response: HttpResponse) -> HttpResponse:
    """The toolkit sends its errors as if they were pages."""
    response["Content-Type"] = "application/json"
    return response


def _public(values: dict[str, Any]) -> JsonResponse:
    return JsonResponse(values, headers={"Access-Control-Allow-Origin": "*"})


def origin(request: HttpRequest) -> str:
    """Where people reach this server: as set, else as this request did."""
    issuer: str = oauth2_settings.oidc_issuer(request)
    return issuer.rstrip("/")
