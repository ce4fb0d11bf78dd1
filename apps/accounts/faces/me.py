"""``/api/me``: who one is, and what one may."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions import projects
from apps.accounts.actor import NOWHERE
from apps.accounts.asking import actor_of
from apps.accounts.faces.projects import ProjectSerializer


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="null: the local operator.")
    username = serializers.CharField()
    superuser = serializers.BooleanField(help_text="May all, everywhere.")
    project = serializers.CharField(
        help_text="The one that this request acts in. Empty: all; `-`: none."
    )
    role = serializers.CharField(help_text="In that project; `superuser`, or empty for none.")
    permissions = serializers.ListField(child=serializers.CharField())
    models = serializers.ListField(
        child=serializers.CharField(), help_text="Globs that the key is scoped to; empty: all."
    )
    projects = ProjectSerializer(many=True)


class MeView(APIView):
    @extend_schema(responses=MeSerializer, summary="Who you are, and what you may")
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        body = {
            "id": actor.user_id,
            "username": actor.name,
            "superuser": actor.superuser,
            "project": actor.project,
            "role": actor.role,
            "permissions": sorted(actor.actions),
            "models": list(actor.models),
            "projects": [] if actor.project == NOWHERE else projects.projects(actor),
        }
        return Response(MeSerializer(body).data)
