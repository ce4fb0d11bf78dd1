"""API keys in Django REST framework. A face: nobody imports it but the settings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from apps.accounts import last_use
from apps.accounts.asking import address_of
from apps.accounts.credentials import check_credential
from apps.accounts.models import User
from apps.accounts.records import KeyRecord


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


class ActingClient:
    """A program that acts for itself: no row, no rights but those of its token."""

    pk = id = None
    is_active = is_authenticated = True
    is_staff = is_superuser = is_anonymous = False

    def __init__(self, name: str) -> None:
        self.username = name

    def get_username(self) -> str:
        return self.username

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False

    def has_module_perms(self, module: str) -> bool:
        return False


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer xp-…``. ``request.auth`` is the key's record."""

    def authenticate(
        self, request: Request
    ) -> tuple[User | LocalOperator | ActingClient, KeyRecord] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        text = token.strip().decode("latin-1")
        record = check_credential(text, address_of(request))
        if record.kind == "key":
            last_use.note(record.id)
        if record.kind == "operator":
            return LocalOperator(), record
        if record.owner_id is None:
            return ActingClient(record.owner_name), record
        return User.objects.get(pk=record.owner_id), record

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
