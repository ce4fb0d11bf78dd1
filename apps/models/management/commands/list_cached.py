from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.models.faces.files import all_files
from apps.models.management.operator import OperatorCommand, plain
from xplatform.cli.downloads import cached_table


class Command(OperatorCommand):
    help = "Show the model files that the nodes keep."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--node", default="", help="on this one only")

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        found = [
            {**entry, "node": node["node"]}
            for node in plain(all_files(options["node"]))
            for entry in node["cached"]
        ]
        return found, cached_table(found) if found else "No node keeps any model files."
