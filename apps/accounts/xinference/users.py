"""``/v1/auth/me``, ``/v1/admin/setup…`` and ``/v1/admin/users…``."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import signing_in
from apps.accounts.actions import projects, users
from apps.accounts.actions.first_admin import make_first_admin, needs_setup
from apps.accounts.actions.guard import check
from apps.accounts.actions.passwords import choose_password
from apps.accounts.actor import Actor
from apps.accounts.asking import actor_of, address_of
from apps.accounts.matrix.actions import SUPERUSER, actions_of
from apps.accounts.models import Membership, User
from apps.accounts.models.people import DEFAULT_PROJECT
from apps.accounts.roles import user_record
from apps.accounts.xinference.face import documented, ok, read
from apps.accounts.xinference.permissions import names_of, role_for
from xplatform.core.errors import Conflict, MissingField, NotFound

SHORTEST_PASSWORD = 10


class NamesField(serializers.ListField):
    child = serializers.CharField(max_length=50)


def password_field(**values: Any) -> serializers.CharField:
    return serializers.CharField(max_length=1000, trim_whitespace=False, **values)


class AccountSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="`local`: has a password; `oidc`: has none."
    )
    permissions = NamesField()


class PersonSerializer(AccountSerializer):
    enabled = serializers.BooleanField()
    must_change_password = serializers.BooleanField()
    role = serializers.CharField(help_text="In the project `default`, or `superuser`.")
    created_at = serializers.DateTimeField()


class SetupStatusSerializer(serializers.Serializer[Any]):
    needs_setup = serializers.BooleanField()
    initialized = serializers.BooleanField()
    password_min_length = serializers.IntegerField()


class SetupSerializer(serializers.Serializer[Any]):
    setup_token = serializers.CharField(
        max_length=200, help_text="`manage.py setup_code` prints it on the server."
    )
    username = serializers.CharField(max_length=150)
    password = password_field()


class MadeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class NewPersonSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = password_field()
    permissions = NamesField(required=False, default=list)


class PersonChangeSerializer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(required=False)
    permissions = NamesField(required=False)


class PermissionsSerializer(serializers.Serializer[Any]):
    permissions = NamesField()


class ChangePasswordSerializer(serializers.Serializer[Any]):
    new_password = password_field()
    current_password = password_field(required=False, help_text="Needed for one's own.")


class MeFace(APIView):
    @documented("Who is logged in", answer=AccountSerializer)
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        user = User.objects.filter(pk=actor.user_id or 0).first()
        if user is None:
            raise Conflict("The local operator has no account.")
        return Response({**_shown(user), "permissions": names_of(actor.actions)})


class SetupStatusFace(APIView):
    authentication_classes = []

    @documented("Whether the first administrator is to be made", answer=SetupStatusSerializer)
    def get(self, request: Request) -> Response:
        needed = needs_setup()
        return Response(
            {
                "needs_setup": needed,
                "initialized": not needed,
                "password_min_length": SHORTEST_PASSWORD,
            }
        )


class SetupFace(APIView):
    authentication_classes = []

    @documented(
        "Make the first administrator", body=SetupSerializer, answer=MadeSerializer, status=201
    )
    def post(self, request: Request) -> Response:
        given = read(SetupSerializer, request)
        user = make_first_admin(
            given["setup_token"], given["username"], given["password"], address_of(request)
        )
        return Response({"id": user.pk, "username": user.username}, status=201)


class UsersFace(APIView):
    @documented(
        "List users",
        answer=PersonSerializer(many=True),
        parameters=[OpenApiParameter("source", str, description="Only `local` or only `oidc`.")],
    )
    def get(self, request: Request) -> Response:
        source = request.query_params.get("source")
        rows = [_row(user) for user in User.objects.order_by("pk")]
        return Response([row for row in rows if source in (None, "", row["source"])])

    @documented("Make a user", body=NewPersonSerializer, answer=MadeSerializer, status=201)
    def post(self, request: Request) -> Response:
        given, actor = read(NewPersonSerializer, request), actor_of(request)
        role = role_for(given["permissions"])
        with transaction.atomic():
            made = users.create_user(given["username"], given["password"], by=actor)
            _give(made.username, role, actor)
        return Response({"id": made.id, "username": made.username}, status=201)


class UserFace(APIView):
    @documented("Look at a user", answer=PersonSerializer)
    def get(self, request: Request, user_id: str) -> Response:
        return Response(_row(_get(user_id)))

    @documented("Enable or disable a user, set their permissions", body=PersonChangeSerializer)
    def put(self, request: Request, user_id: str) -> Response:
        user, given, actor = _get(user_id), read(PersonChangeSerializer, request), actor_of(request)
        with transaction.atomic():
            if "enabled" in given:
                users.change_user(user.username, is_active=given["enabled"], by=actor)
            if "permissions" in given:
                _give(user.username, role_for(given["permissions"]), actor)
        return ok()

    @documented("Delete a user")
    def delete(self, request: Request, user_id: str) -> Response:
        users.delete_user(_get(user_id).username, by=actor_of(request))
        return ok()


class UserPasswordFace(APIView):
    @documented("Set a password: one's own, or with users:manage anybody's",
                body=ChangePasswordSerializer)  # fmt: skip
    def put(self, request: Request, user_id: str) -> Response:
        given, actor = read(ChangePasswordSerializer, request), actor_of(request)
        if str(actor.user_id) != user_id:
            # The action asks for users.manage, before it tells whether there is such a user.
            check(actor, "users.manage")
            users.set_password(_get(user_id).username, given["new_password"], by=actor)
            return ok()
        user = _get(user_id)
        if "current_password" not in given:
            raise MissingField("current_password: This field is required.",
                               param="current_password")  # fmt: skip
        signing_in.confirm(request._request, user, given["current_password"])
        choose_password(user, given["new_password"], address_of(request))
        return ok()


class UserPermissionsFace(APIView):
    @documented("A user's permissions", answer=PermissionsSerializer)
    def get(self, request: Request, user_id: str) -> Response:
        return Response({"permissions": _row(_get(user_id))["permissions"]})

    @documented("Set a user's permissions", body=PermissionsSerializer)
    def put(self, request: Request, user_id: str) -> Response:
        given = read(PermissionsSerializer, request)
        _give(_get(user_id).username, role_for(given["permissions"]), actor_of(request))
        return ok()


def _get(user_id: str) -> User:
    known = user_id.isdecimal() and len(user_id) < 19
    user = User.objects.filter(pk=int(user_id)).first() if known else None
    if user is None:
        raise NotFound(f"There is no user {user_id[:50]!r}.", param="user_id")
    return user


def _give(username: str, role: str, actor: Actor) -> None:
    """The role in the project ``default``, or all; whatever they are elsewhere stays."""
    with transaction.atomic():
        users.change_user(username, is_superuser=role == SUPERUSER, by=actor)
        if role not in ("", SUPERUSER):
            projects.put_member(DEFAULT_PROJECT, "user", username, role, by=actor)
        elif Membership.objects.filter(
            project__slug=DEFAULT_PROJECT, user__username=username
        ).exists():
            projects.remove_member(DEFAULT_PROJECT, "user", username, by=actor)


def _shown(user: User) -> dict[str, Any]:
    source = "local" if user.has_usable_password() else "oidc"
    return {"id": user.pk, "username": user.username, "source": source}


def _row(user: User) -> dict[str, Any]:
    record = user_record(user.pk)
    role = ""
    if record is not None:
        role = record.role("" if record.superuser else DEFAULT_PROJECT)
    return {
        **_shown(user),
        "enabled": user.is_active,
        "must_change_password": user.must_change_password,
        "role": role,
        "permissions": names_of(actions_of(role)),
        "created_at": user.date_joined,
    }
