from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.models import api
from apps.models.management.operator import OperatorCommand, plain
from apps.models.serializers import LaunchDetailSerializer


class Command(OperatorCommand):
    help = "Stop a model; its running requests may finish."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("uid", help="the model's name")

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        info = api.terminate(options["uid"], self.who)
        text = f"{info.uid} is stopped; running requests may finish."
        return plain(LaunchDetailSerializer(info).data), text
