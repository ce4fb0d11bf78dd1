"""``POST /token``: a name and a password for a key that works for a day.

Attempts that fail are counted by account and by address, in each web process for itself; past the
limit the door is shut for that account from that address, whatever the password.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from django.core.cache import cache
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import api
from xplatform.core.errors import NotAuthenticated, RateLimited

KEY_LIVES = timedelta(hours=24)
#: failures within this time are counted together
WINDOW = 300
#: of one account from one address, and of all accounts from one address
ACCOUNT_TRIES, ADDRESS_TRIES = 5, 50


class LoginSerializer(serializers.Serializer[dict[str, str]]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[dict[str, str]]):
    access_token = serializers.CharField(help_text="An API key.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class LoginView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        request=LoginSerializer, responses=TokenSerializer, tags=["api"], summary="Log in"
    )
    def post(self, request: Request) -> Response:
        given = LoginSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        name = given.validated_data["username"]
        address = str(request.META.get("REMOTE_ADDR", ""))
        counters = {
            f"login {address} {name.casefold()!r}": ACCOUNT_TRIES,
            f"login {address}": ADDRESS_TRIES,
        }
        for counter, most in counters.items():
            if cache.get(_safe(counter), 0) >= most:
                raise RateLimited(
                    "Too many attempts to log in failed. Try again in a few minutes.",
                    retry_after=float(WINDOW),
                )
        user = authenticate(request._request, **given.validated_data)
        if user is None:
            for counter in counters:
                cache.add(_safe(counter), 0, WINDOW)
                cache.incr(_safe(counter))
            # The same words for all: whether there is such an account is nobody's business.
            raise NotAuthenticated("The name or the password is wrong.")
        for counter in counters:
            cache.delete(_safe(counter))
        token, _ = api.create_key("login", owner_id=user.pk, expires=timezone.now() + KEY_LIVES)
        seconds = int(KEY_LIVES.total_seconds())
        return Response({"access_token": token, "token_type": "bearer", "expires_in": seconds})


def _safe(counter: str) -> str:
    """Keys of a cache have no spaces and are not long."""
    return api.key_digest(counter).hex()
