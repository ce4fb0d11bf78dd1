"""``/api/session``: the console's login, by a cookie that no script can read."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import signing_in, standing
from apps.accounts.faces.entering import LoginSerializer, enter
from apps.accounts.models import User
from apps.accounts.second_factor import passkeys
from apps.accounts.tokens import pages
from xplatform.core.errors import Forbidden, MissingField, NotAuthenticated


class SessionSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(allow_null=True, help_text="null: nobody is logged in.")
    superuser = serializers.BooleanField()
    csrf_token = serializers.CharField(
        help_text="To be sent as `X-CSRFToken` with every request that changes something."
    )
    must_change_password = serializers.BooleanField(help_text="Nothing else is allowed before.")
    must_add_second_factor = serializers.BooleanField(help_text="Nothing else is allowed before.")


class PageTokenSerializer(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="Opens doors, as `Authorization: Bearer …`.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that it is good for.")


class QuestionForSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150, required=False)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, required=False)


class QuestionSerializer(serializers.Serializer[Any]):
    options = serializers.DictField(
        help_text="For `navigator.credentials`, by `parseCreationOptionsFromJSON` or"
        " `parseRequestOptionsFromJSON`."
    )
    state = serializers.CharField(help_text="To be sent back with the answer, within 5 minutes.")


@extend_schema_view(
    get=extend_schema(responses=SessionSerializer, tags=["logins"], summary="Who is logged in"),
    post=extend_schema(
        request=LoginSerializer,
        responses=SessionSerializer,
        tags=["logins"],
        summary="Log in with a cookie",
    ),
    delete=extend_schema(responses={200: SessionSerializer}, tags=["logins"], summary="Log out"),
)
class SessionView(APIView):
    # Neither a key nor a token logs in to a session; the cookie is looked at here.
    authentication_classes = []

    def get(self, request: Request) -> Response:
        return _session(request)

    def post(self, request: Request) -> Response:
        check_csrf(request)
        user = enter(request)
        # Whoever was in here before may have been somebody else.
        pages.end_page_tokens(request._request)
        # A new session key: one that somebody had put here before is of no use.
        auth.login(request._request, user, "django.contrib.auth.backends.ModelBackend")
        signing_in.succeeded(request._request, user, "session")
        return _session(request)

    def delete(self, request: Request) -> Response:
        check_csrf(request)
        auth.logout(request._request)
        return _session(request)


class TokenView(APIView):
    # For a session and nothing else: a token would prolong itself, a key is one already.
    authentication_classes = []

    @extend_schema(
        request=None,
        responses=PageTokenSerializer,
        tags=["logins"],
        summary="An access token for the page of this session",
        description="Session cookies open nothing on the routes of inference. The token ends with"
        " the session; ask again before it expires.",
    )
    def post(self, request: Request) -> Response:
        check_csrf(request)
        user = _who(request)
        if user is None:
            raise NotAuthenticated("You are not signed in.")
        made = pages.page_token(request._request, user)
        shown = {
            "access_token": made.access,
            "token_type": "bearer",
            "expires_in": made.seconds,
        }
        return Response(shown, headers={"Cache-Control": "no-store"})


class PasskeyQuestionView(APIView):
    authentication_classes = []

    @extend_schema(
        request=QuestionForSerializer,
        responses=QuestionSerializer,
        tags=["logins"],
        summary="The question that a passkey answers at a login",
        description="Without a name: for a login by the passkey alone. With a name and a password:"
        " for a passkey after them.",
    )
    def post(self, request: Request) -> Response:
        given = QuestionForSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        if not values:
            asked = passkeys.ask_to_log_in(request._request)
        else:
            for name in ("username", "password"):
                if name not in values:
                    raise MissingField(f"{name}: This field is required.", param=name)
            asked = signing_in.ask_for_passkey(request._request, **values)
        return Response({"options": asked.options, "state": asked.state})


def check_csrf(request: Request) -> None:
    """A page of another site can send a form here, but not this header. Raises Forbidden."""
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request._request)
    if check.process_view(request._request, None, (), {}):  # type: ignore[arg-type]
        raise Forbidden("Send the `csrf_token` of GET /api/session as the header X-CSRFToken.")


def _who(request: Request) -> User | None:
    # Not `plain.user`: Django REST framework, which authenticates nobody here, has made it nobody.
    user: Any = auth.get_user(request._request)
    return user if isinstance(user, User) and user.is_active else None


def _session(request: Request) -> Response:
    plain = request._request
    known = _who(request)
    due = standing.owed(known) if known else {}
    return Response(
        {
            "user": known.username if known else None,
            "superuser": known is not None and known.is_superuser,
            "csrf_token": get_token(plain),
            "must_change_password": due.get("must_change_password", False),
            "must_add_second_factor": due.get("must_add_second_factor", False),
        }
    )
