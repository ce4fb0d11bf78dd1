"""What django-oauth-toolkit asks us while it answers a request: clients, codes, tokens, claims."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.utils import timezone
from jwcrypto.jws import JWS
from oauth2_provider.models import get_device_grant_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.utils import jwk_from_pem
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from apps.accounts.oauth.scopes import ALL_PROJECTS, IDENTITY, Scopes, in_project, project_of
from apps.accounts.oauth.signals import renewing
from apps.accounts.oauth.signing import known_keys

DeviceGrant = get_device_grant_model()


def code_digest(code: str) -> str:
    """A device's code as the database knows it: whoever reads the table cannot redeem it."""
    return hashlib.sha256(code.encode("utf-8", "surrogateescape")).hexdigest()


def _renewed(request: Any) -> Any:
    """The access token that a refresh takes the place of; None: it is no refresh."""
    refresh = getattr(request, "refresh_token_instance", None)
    return refresh.access_token if refresh is not None else None


class Validator(OAuth2Validator):  # type: ignore[misc]
    oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "groups": "groups"}

    def get_additional_claims(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "name": lambda request: request.user.get_full_name() or request.user.username,
            "preferred_username": lambda request: request.user.username,
            "email": lambda request: request.user.email,
            # Nobody here proves that an address is theirs.
            "email_verified": lambda request: False,
            "groups": lambda request: sorted(request.user.groups.values_list("name", flat=True)),
        }

    # -- what may be asked for --------------------------------------------------------------------

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        plain = in_project(scopes, None)
        allowed = set(Scopes().get_available_scopes(client))
        if not set(plain) <= allowed or len(scopes) - len(plain) > 1:
            return False
        if getattr(request, "grant_type", None) == "client_credentials" and (
            set(plain) & set(IDENTITY)
        ):
            # Nobody has logged in.
            return False
        slug = project_of(scopes)
        return slug is None or client.project is None or slug == client.project.slug

    def validate_silent_login(self, request: Any) -> bool:
        # The views tell `prompt=none` apart: they know the session.
        return True

    def validate_silent_authorization(self, request: Any) -> bool:
        return True

    def _get_key_for_token(self, token: str) -> Any:
        """Of an ID token that somebody shows us: it may have been signed by a former key."""
        if super()._get_key_for_token(token) is None:
            return None
        shown = JWS()
        shown.deserialize(token)
        kid = json.loads(shown.objects["protected"]).get("kid")
        keys = map(jwk_from_pem, known_keys())
        return next((key for key in keys if key.thumbprint() == kid), None)

    # -- who it is for ----------------------------------------------------------------------------

    def validate_code(self, *args: Any, **kwargs: Any) -> bool:
        request = args[3] if len(args) > 3 else kwargs["request"]
        return bool(super().validate_code(*args, **kwargs)) and request.user.is_active

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        if not valid or not request.user.is_active:
            return False
        issued = request.refresh_token_instance.created.timestamp()
        return not request.user.tokens_end(issued)

    def validate_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        if not super().validate_bearer_token(token, scopes, request):
            return False
        return request.user is None or request.user.is_active

    def validate_device_code(
        self, client_id: str, code: str, request: Any, *_: Any, **__: Any
    ) -> str | None:
        """django-oauth-toolkit 3.4 leaves this to whoever has oauthlib 4. A code is good once."""
        found = DeviceGrant.objects.filter(
            device_code=code_digest(code), client_id=request.client.client_id
        )
        grant = found.select_related("user").first()
        if grant is None:
            return None
        if grant.is_expired():
            return str(DeviceCodeGrant.DEVICE_CODE_EXPIRED)
        if grant.status == grant.DENIED:
            return str(DeviceCodeGrant.DEVICE_CODE_DENIED)
        if grant.status != grant.AUTHORIZED:
            now = timezone.now()
            early = grant.last_checked + timedelta(seconds=grant.interval / 2) > now
            found.update(last_checked=now)
            slow, pending = (
                DeviceCodeGrant.DEVICE_CODE_SLOW_DOWN,
                DeviceCodeGrant.DEVICE_CODE_PENDING,
            )
            return str(slow if early else pending)
        if not found.filter(status=grant.AUTHORIZED).delete()[0]:
            return None
        if grant.user is None or not grant.user.is_active:
            return str(DeviceCodeGrant.DEVICE_CODE_DENIED)
        request.user = grant.user
        request.scopes = grant.scope.split()
        return str(DeviceCodeGrant.DEVICE_CODE_AUTHORIZED)

    # -- what is issued ---------------------------------------------------------------------------

    def _save_bearer_token(
        self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """The project of a token is its client's, or the one chosen when it was allowed: asking
        for fewer scopes at a refresh never widens it."""
        scopes = token["scope"].split()
        if request.grant_type == "client_credentials":
            project = request.client.project
            scopes = in_project(scopes, project.slug if project else ALL_PROJECTS)
        elif token_before := _renewed(request):
            scopes = in_project(scopes, project_of(token_before.scope.split()))
        token["scope"] = " ".join(scopes)
        with renewing() if _renewed(request) else nullcontext():
            super()._save_bearer_token(token, request, *args, **kwargs)

    def _check_and_set_request_resource(self, request: Any) -> None:
        """Resource indicators (RFC 8707): tokens are good for this server, and for no other."""
        super()._check_and_set_request_resource(request)
        issuer = oauth2_settings.oidc_issuer(request).rstrip("/")
        for resource in request.resource:
            if resource.rstrip("/") != issuer and not resource.startswith(issuer + "/"):
                raise CustomOAuth2Error(
                    error="invalid_target",
                    description=f"Tokens of this server are for {issuer} alone.",
                    request=request,
                )
        request.resource = []
