"""``/api/me/…``: how somebody gets in, seen and changed by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import signing_in
from apps.accounts.actions import passwords
from apps.accounts.asking import actor_of, address_of
from apps.accounts.faces.entering import ProofSerializer, ShownSerializer
from apps.accounts.faces.session import QuestionSerializer
from apps.accounts.models import Authenticator, Login, Passkey, RecoveryCode, User
from apps.accounts.second_factor import actions, checks, passkeys
from apps.accounts.second_factor.passkeys import Shown
from apps.accounts.tokens.actions import end_login
from xplatform.core.errors import Conflict, NotFound


class NewPasswordSerializer(serializers.Serializer[Any]):
    old_password = serializers.CharField(max_length=1000, trim_whitespace=False)
    new_password = serializers.CharField(max_length=1000, trim_whitespace=False)


class OwnLoginSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    address = serializers.CharField(help_text="Where it was last renewed from.")
    client = serializers.CharField(help_text="The program, by its own word.")
    created = serializers.DateTimeField()
    refreshed = serializers.DateTimeField()
    expires = serializers.DateTimeField()
    this_one = serializers.BooleanField()


class PasskeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    host = serializers.CharField(help_text="The name of the server under which it works.")
    created = serializers.DateTimeField()
    last_used = serializers.DateTimeField(allow_null=True)


class SecondFactorSerializer(serializers.Serializer[Any]):
    demanded = serializers.BooleanField(help_text="By the setting `require_second_factor`.")
    authenticator = serializers.BooleanField(help_text="An authenticator app is set up.")
    recovery_codes_left = serializers.IntegerField()
    passkeys = PasskeySerializer(many=True)


class NewAuthenticatorSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="To be typed where no picture can be taken.")
    uri = serializers.CharField(help_text="`otpauth://…`, what the picture says.")
    picture = serializers.CharField(help_text="A QR code: an SVG image as a `data:` URI.")


class CodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(),
        help_text="Each is good once, in place of a code. They are shown this once; empty: those"
        " that there were stay.",
    )


class NewPasskeySerializer(ShownSerializer):
    name = serializers.CharField(max_length=100, help_text="To tell it from others.")


class RegisteredPasskeySerializer(RecoveryCodesSerializer):
    passkey = PasskeySerializer()


class PasswordView(APIView):
    @extend_schema(
        request=NewPasswordSerializer,
        responses={204: None},
        tags=["logins"],
        summary="Choose a new password",
        description="Ends all sessions and tokens but the session that asks.",
    )
    def put(self, request: Request) -> Response:
        user = _person(request)
        given = NewPasswordSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        signing_in.confirm(request._request, user, values["old_password"], param="old_password")
        # At once: what is told of the change finds the session under its new key.
        with transaction.atomic():
            passwords.choose_password(
                user, values["new_password"], address_of(request), param="new_password"
            )
            _stay(request._request, user)
        return Response(status=204)


@extend_schema_view(
    get=extend_schema(
        responses=OwnLoginSerializer(many=True), tags=["logins"], summary="Your logins with tokens"
    ),
    delete=extend_schema(
        responses={204: None},
        tags=["logins"],
        operation_id="me_logins_end_all",
        summary="Log out everywhere",
        description="Ends all your sessions and tokens, this one too. API keys stay.",
    ),
)
class OwnLoginsView(APIView):
    def get(self, request: Request) -> Response:
        user = _person(request)
        this = actor_of(request).key_id
        # A page's ends with its session.
        found = Login.objects.filter(user=user, ended=None).exclude(newest="")
        rows = [row for row in found if row.state == "active"]
        shown = [{**vars(row), "id": str(row.pk), "this_one": str(row.pk) == this} for row in rows]
        return Response(OwnLoginSerializer(shown, many=True).data)

    def delete(self, request: Request) -> Response:
        passwords.forget_logins(_person(request), address_of(request))
        return Response(status=204)


class OwnLoginView(APIView):
    @extend_schema(responses={204: None}, tags=["logins"], summary="End one of your logins")
    def delete(self, request: Request, login_id: str) -> Response:
        user = _person(request)
        logins = Login.objects.filter(user=user).exclude(newest="")
        found = [row for row in logins if str(row.pk) == login_id]
        if not found:
            raise NotFound("There is no such login.")
        end_login(login_id, address_of(request))
        return Response(status=204)


class SecondFactorView(APIView):
    @extend_schema(responses=SecondFactorSerializer, tags=["logins"], summary="Your second factors")
    def get(self, request: Request) -> Response:
        user = _person(request)
        body = {
            "demanded": checks.wants_factor(user),
            "authenticator": Authenticator.objects.filter(
                user=user, confirmed__isnull=False
            ).exists(),
            "recovery_codes_left": RecoveryCode.objects.filter(user=user, used=None).count(),
            "passkeys": Passkey.objects.filter(user=user),
        }
        return Response(SecondFactorSerializer(body).data)


class AuthenticatorView(APIView):
    @extend_schema(
        request=ProofSerializer,
        responses=NewAuthenticatorSerializer,
        tags=["logins"],
        summary="Begin to set up an authenticator app",
        description="Nothing is asked for until a first code was sent to `…/confirm`.",
    )
    def post(self, request: Request) -> Response:
        made = actions.begin_authenticator(_proven(request))
        return Response(NewAuthenticatorSerializer(made).data)


class ConfirmAuthenticatorView(APIView):
    @extend_schema(
        request=CodeSerializer,
        responses=RecoveryCodesSerializer,
        tags=["logins"],
        summary="Send the first code of the authenticator app",
    )
    def post(self, request: Request) -> Response:
        user = _person(request)
        given = CodeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        code = given.validated_data["code"]
        codes = actions.confirm_authenticator(user, code, address_of(request))
        return Response({"recovery_codes": codes})


class RemoveAuthenticatorView(APIView):
    @extend_schema(
        request=ProofSerializer,
        responses={204: None},
        tags=["logins"],
        summary="Remove the authenticator app",
    )
    def post(self, request: Request) -> Response:
        actions.remove_authenticator(_proven(request), address_of(request))
        return Response(status=204)


class RecoveryCodesView(APIView):
    @extend_schema(
        request=ProofSerializer,
        responses=RecoveryCodesSerializer,
        tags=["logins"],
        summary="Ten new recovery codes in place of the old ones",
    )
    def post(self, request: Request) -> Response:
        codes = actions.new_recovery_codes(_proven(request), address_of(request))
        return Response({"recovery_codes": codes})


class OwnPasskeyQuestionView(APIView):
    @extend_schema(
        request=ProofSerializer,
        responses=QuestionSerializer,
        tags=["logins"],
        summary="The question that a new passkey answers",
    )
    def post(self, request: Request) -> Response:
        asked = passkeys.ask_to_register(request._request, _proven(request))
        return Response({"options": asked.options, "state": asked.state})


@extend_schema_view(
    get=extend_schema(
        responses=PasskeySerializer(many=True), tags=["logins"], summary="Your passkeys"
    ),
    post=extend_schema(
        request=NewPasskeySerializer,
        responses={201: RegisteredPasskeySerializer},
        tags=["logins"],
        summary="Register a passkey",
    ),
)
class OwnPasskeysView(APIView):
    def get(self, request: Request) -> Response:
        found = Passkey.objects.filter(user=_person(request))
        return Response(PasskeySerializer(found, many=True).data)

    def post(self, request: Request) -> Response:
        user = _person(request)
        given = NewPasskeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        made = passkeys.register(
            request._request,
            user,
            values["name"],
            Shown(values["state"], values["credential"]),
            address_of(request),
        )
        return Response(RegisteredPasskeySerializer(made).data, status=201)


class RemovePasskeyView(APIView):
    @extend_schema(
        request=ProofSerializer, responses={204: None}, tags=["logins"], summary="Remove a passkey"
    )
    def post(self, request: Request, passkey_id: str) -> Response:
        user = _proven(request)
        if not passkey_id.isdecimal() or len(passkey_id) > 18:
            raise NotFound("There is no such passkey.")
        actions.remove_passkey(user, int(passkey_id), address_of(request))
        return Response(status=204)


def _person(request: Request) -> User:
    """Whose account it is. Raises Conflict for whoever has none."""
    user = User.objects.filter(pk=actor_of(request).user_id or 0).first()
    if user is None:
        raise Conflict("The local operator has no account and no password.")
    return user


def _proven(request: Request) -> User:
    user = _person(request)
    given = ProofSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    signing_in.confirm(request._request, user, given.validated_data["password"])
    return user


def _stay(request: HttpRequest, user: User) -> None:
    """The session that has just proved who it is goes on, under a new key."""
    session = getattr(request, "session", None)
    if session is not None and session.get(auth.SESSION_KEY) == str(user.pk):
        auth.update_session_auth_hash(request, user)
