"""``/api/projects``: tenants and their members."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import projects
from apps.accounts.actions.projects import Kind
from apps.accounts.asking import actor_of
from apps.accounts.matrix.actions import ROLES
from xplatform.core.errors import NotFound


class ProjectSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    created = serializers.DateTimeField()
    archived = serializers.DateTimeField(allow_null=True)
    role = serializers.CharField(help_text="Your own in it.")


class NewProjectSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField(
        max_length=50, help_text="Its name: lower-case letters, digits, hyphens. It never changes."
    )
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    owner = serializers.CharField(
        required=False, default=None, allow_null=True, help_text="Name of its first owner."
    )


class ProjectChangeSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, allow_blank=True)


class MemberSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["user", "group"])
    name = serializers.CharField()
    role = serializers.ChoiceField(ROLES)
    created = serializers.DateTimeField()


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(ROLES)


@extend_schema_view(
    get=extend_schema(
        responses=ProjectSerializer(many=True), summary="List your projects; superusers: all"
    ),
    post=extend_schema(
        request=NewProjectSerializer, responses={201: ProjectSerializer}, summary="Make a project"
    ),
)
class ProjectsView(APIView):
    def get(self, request: Request) -> Response:
        found = projects.projects(actor_of(request))
        return Response(ProjectSerializer(found, many=True).data)

    def post(self, request: Request) -> Response:
        given = NewProjectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = projects.create_project(**given.validated_data, by=actor_of(request))
        return Response(ProjectSerializer(made).data, status=201)


@extend_schema_view(
    get=extend_schema(responses=ProjectSerializer, summary="Look at a project"),
    patch=extend_schema(
        request=ProjectChangeSerializer, responses=ProjectSerializer, summary="Rename a project"
    ),
)
class ProjectView(APIView):
    def get(self, request: Request, slug: str) -> Response:
        return Response(ProjectSerializer(projects.project_info(slug, actor_of(request))).data)

    def patch(self, request: Request, slug: str) -> Response:
        given = ProjectChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        title = given.validated_data["title"]
        changed = projects.change_project(slug, title, by=actor_of(request))
        return Response(ProjectSerializer(changed).data)


class ArchiveProjectView(APIView):
    @extend_schema(
        request=None,
        responses=ProjectSerializer,
        summary="Archive a project: its keys open nothing, and what it runs ends",
    )
    def post(self, request: Request, slug: str) -> Response:
        return Response(
            ProjectSerializer(projects.archive_project(slug, by=actor_of(request))).data
        )


class RestoreProjectView(APIView):
    @extend_schema(request=None, responses=ProjectSerializer, summary="Take a project up again")
    def post(self, request: Request, slug: str) -> Response:
        return Response(
            ProjectSerializer(projects.restore_project(slug, by=actor_of(request))).data
        )


class MembersView(APIView):
    @extend_schema(responses=MemberSerializer(many=True), summary="List a project's members")
    def get(self, request: Request, slug: str) -> Response:
        found = projects.members(slug, actor_of(request))
        return Response(MemberSerializer(found, many=True).data)


@extend_schema_view(
    put=extend_schema(
        request=RoleSerializer, responses=MemberSerializer, summary="Take in a member"
    ),
    delete=extend_schema(responses={204: None}, summary="Remove a member"),
)
@extend_schema(parameters=[OpenApiParameter("kind", str, "path", enum=["users", "groups"])])
class MemberView(APIView):
    def put(self, request: Request, slug: str, kind: str, name: str) -> Response:
        given = RoleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        role = given.validated_data["role"]
        member = projects.put_member(slug, _kind(kind), name, role, by=actor_of(request))
        return Response(MemberSerializer(member).data)

    def delete(self, request: Request, slug: str, kind: str, name: str) -> Response:
        projects.remove_member(slug, _kind(kind), name, by=actor_of(request))
        return Response(status=204)


def _kind(given: str) -> Kind:
    if given not in ("users", "groups"):
        raise NotFound("Members are users or groups.", param="kind")
    return cast(Kind, given[:-1])
