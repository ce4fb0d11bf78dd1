from __future__ import annotations

from typing import Any

from apps.models import api
from apps.models.management.operator import OperatorCommand, plain
from apps.models.serializers import LaunchSerializer
from xplatform.cli.launches import launch_table


class Command(OperatorCommand):
    help = "Show launched models and their replicas, from the database."

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        found = plain(LaunchSerializer(api.launches(), many=True).data)
        return found, launch_table(found) if found else "No model is launched."
