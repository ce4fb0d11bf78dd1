from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.models import api
from apps.models.management.operator import OperatorCommand, plain
from apps.models.serializers import LaunchDetailSerializer, NodeSerializer, order
from xplatform.cli import launch
from xplatform.cli.connection import UsageError


class Nodes:
    """Answers the one question that the flags of a launch have."""

    def get(self, _route: str) -> Any:
        return plain(NodeSerializer(api.nodes(), many=True).data)


class Command(OperatorCommand):
    help = (
        "Launch a model, with the flags of 'xplatform launch' (options of the engine by --option)."
        " It is on its way when this returns."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        launch.add_order_flags(parser)
        parser.add_argument("--project", default="", help="in this project")

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        try:
            body = launch.order(Nodes(), argparse.Namespace(**options, options={}))
        except UsageError as error:
            raise CommandError(str(error), returncode=error.exit_code) from None
        # Whoever works on the home folder may all.
        more = {"requested_by": self.who, "unsafe": True, "project": options["project"]}
        info = api.launch(order({**body, **more}))
        return plain(LaunchDetailSerializer(info).data), f"{info.uid} is being launched."
