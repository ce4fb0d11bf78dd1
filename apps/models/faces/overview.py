"""``/api/overview``."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.models import overview
from xplatform.structs import StructSerializer


class OverviewSerializer(StructSerializer):
    struct = overview.Overview


@extend_schema_view(
    get=extend_schema(
        responses=OverviewSerializer,
        summary="All at a glance",
        description="Of one's project's launches; machines, disks and files for those who may see"
        " them. `attention` has what somebody should look at, with a stable `code` each.",
    )
)
class OverviewView(APIView):
    def get(self, request: Request) -> Response:
        return Response(OverviewSerializer(overview.overview(actor_of(request))).data)
