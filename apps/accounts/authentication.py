"""API keys in Django REST framework. A face: nobody imports it but the settings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.api import KeyRecord, find_key
from apps.accounts.models import User


class LocalOperator:
    """Whoever can read the home folder of this server: no row, all rights."""

    pk = id = None
    username = "local operator"
    is_active = is_staff = is_superuser = is_authenticated = True
    is_anonymous = False

    def get_username(self) -> str:
        return self.username

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return True

    def has_module_perms(self, module: str) -> bool:
        return True


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer xp-…``. ``request.auth`` is the key's record."""

    def authenticate(self, request: Request) -> tuple[User | LocalOperator, KeyRecord] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        record = find_key(token.strip().decode("latin-1"))
        if record is None:
            # The same words for all: whether a key exists is nobody's business.
            raise AuthenticationFailed("The API key is unknown, expired or revoked.")
        if record.owner_id is None:
            return LocalOperator(), record
        return User.objects.get(pk=record.owner_id), record

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
