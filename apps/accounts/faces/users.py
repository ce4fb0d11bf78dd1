"""``/api/users`` and ``/api/groups``: for superusers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import groups, users
from apps.accounts.asking import actor_of
from apps.accounts.matrix.actions import ROLES


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    is_active = serializers.BooleanField()
    is_superuser = serializers.BooleanField()
    is_staff = serializers.BooleanField(help_text="May come to Django's admin.")
    has_password = serializers.BooleanField()
    roles = serializers.DictField(
        child=serializers.ChoiceField(ROLES),
        help_text="Each project that they are in → their role.",
    )
    groups = serializers.ListField(child=serializers.CharField())
    created = serializers.DateTimeField()
    last_login = serializers.DateTimeField(allow_null=True)


class UserChangeSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(required=False, allow_blank=True)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)
    is_superuser = serializers.BooleanField(required=False)
    is_staff = serializers.BooleanField(required=False)


class NewUserSerializer(UserChangeSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        max_length=1000,
        trim_whitespace=False,
        required=False,
        write_only=True,
        help_text="Without one they come by single sign-on, or have keys only.",
    )
    must_change_password = serializers.BooleanField(
        required=False,
        default=False,
        write_only=True,
        help_text="The password is good for one login: then they choose their own.",
    )


class PasswordSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(
        max_length=1000,
        trim_whitespace=False,
        allow_null=True,
        write_only=True,
        help_text="null takes it away.",
    )


class GroupSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    members = serializers.ListField(child=serializers.CharField())
    roles = serializers.DictField(
        child=serializers.ChoiceField(ROLES), help_text="Each project that it is in → its role."
    )


class NewGroupSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=150)


@extend_schema_view(
    get=extend_schema(responses=UserSerializer(many=True), summary="List users"),
    post=extend_schema(
        request=NewUserSerializer, responses={201: UserSerializer}, summary="Make a user"
    ),
)
class UsersView(APIView):
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(users.users(actor_of(request)), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewUserSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = users.create_user(**given.validated_data, by=actor_of(request))
        return Response(UserSerializer(made).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=UserSerializer, summary="Look at a user"),
    patch=extend_schema(
        request=UserChangeSerializer, responses=UserSerializer, summary="Change or disable a user"
    ),
    delete=extend_schema(responses={204: None}, summary="Delete a user, and their keys"),
)
class UserView(APIView):
    def get(self, request: Request, username: str) -> Response:
        return Response(UserSerializer(users.user_info(username, actor_of(request))).data)

    def patch(self, request: Request, username: str) -> Response:
        given = UserChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = users.change_user(username, **given.validated_data, by=actor_of(request))
        return Response(UserSerializer(changed).data)

    def delete(self, request: Request, username: str) -> Response:
        users.delete_user(username, by=actor_of(request))
        return Response(status=204)


class UserPasswordView(APIView):
    @extend_schema(
        request=PasswordSerializer, responses={204: None}, summary="Set a user's password"
    )
    def put(self, request: Request, username: str) -> Response:
        given = PasswordSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        users.set_password(username, given.validated_data["password"], by=actor_of(request))
        return Response(status=204)


@extend_schema_view(
    get=extend_schema(responses=GroupSerializer(many=True), summary="List groups"),
    post=extend_schema(
        request=NewGroupSerializer, responses={201: GroupSerializer}, summary="Make a group"
    ),
)
class GroupsView(APIView):
    def get(self, request: Request) -> Response:
        return Response(GroupSerializer(groups.groups(actor_of(request)), many=True).data)

    def post(self, request: Request) -> Response:
        given = NewGroupSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = groups.create_group(given.validated_data["name"], by=actor_of(request))
        return Response(GroupSerializer(made).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=GroupSerializer, summary="Look at a group"),
    delete=extend_schema(responses={204: None}, summary="Delete a group"),
)
class GroupView(APIView):
    def get(self, request: Request, name: str) -> Response:
        return Response(GroupSerializer(groups.group_info(name, actor_of(request))).data)

    def delete(self, request: Request, name: str) -> Response:
        groups.delete_group(name, by=actor_of(request))
        return Response(status=204)


@extend_schema_view(
    put=extend_schema(request=None, responses=GroupSerializer, summary="Put a user into a group"),
    delete=extend_schema(responses={200: GroupSerializer}, summary="Take a user out of a group"),
)
class GroupMemberView(APIView):
    def put(self, request: Request, name: str, username: str) -> Response:
        changed = groups.add_to_group(name, username, by=actor_of(request))
        return Response(GroupSerializer(changed).data)

    def delete(self, request: Request, name: str, username: str) -> Response:
        changed = groups.remove_from_group(name, username, by=actor_of(request))
        return Response(GroupSerializer(changed).data)
