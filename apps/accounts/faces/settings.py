"""``/api/settings``: what is in force in this web process. Changed by flag, variable or file, and a
restart: never here."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from xplatform.core.config import settings
from xplatform.core.settings_shown import ShownSetting, shown
from xplatform.structs import StructSerializer


class ShownSettingSerializer(StructSerializer):
    struct = ShownSetting


@extend_schema_view(
    get=extend_schema(
        responses=ShownSettingSerializer(many=True),
        summary="See the settings in force",
        description="Of the server; machines that joined have their own. Secrets are not shown.",
    )
)
class SettingsView(APIView):
    def get(self, request: Request) -> Response:
        return Response(ShownSettingSerializer(list(shown(settings())), many=True).data)
