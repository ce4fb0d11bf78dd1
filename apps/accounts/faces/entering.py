"""What all routes share that let people in: the form of what they show, and how it is checked."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.second_factor.passkeys import Shown
from apps.accounts.signing_in import Given, sign_in, sign_in_by_passkey
from xplatform.core.errors import MissingField


class ShownSerializer(serializers.Serializer[Any]):
    """What a passkey has answered."""

    state = serializers.CharField(max_length=2000, help_text="As it came with the question.")
    credential = serializers.DictField(
        help_text="What `navigator.credentials` returned, by its `toJSON()`."
    )


class LoginSerializer(serializers.Serializer[Any]):
    """A name and a password, with a second factor where the account asks for one; or a passkey
    alone."""

    username = serializers.CharField(max_length=150, required=False)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, required=False)
    otp = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="A code of the authenticator app, or a recovery code.",
    )
    passkey = ShownSerializer(required=False, allow_null=True)


@extend_schema_serializer(component_name="Proof")
class ProofSerializer(serializers.Serializer[Any]):
    """Before a change of how somebody gets in, they prove once more that it is them."""

    password = serializers.CharField(max_length=1000, trim_whitespace=False)


def enter(request: Request) -> User:
    """Who it is, by the body. Raises what ``sign_in`` does."""
    given = LoginSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    values = given.validated_data
    answer = values.get("passkey")
    shown = Shown(answer["state"], answer["credential"]) if answer else None
    if shown is not None and "username" not in values:
        return sign_in_by_passkey(request._request, shown)
    for name in ("username", "password"):
        if name not in values:
            raise MissingField(f"{name}: This field is required.", param=name)
    return sign_in(
        request._request,
        Given(values["username"], values["password"], values.get("otp", ""), shown),
    )
