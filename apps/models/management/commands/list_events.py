from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.models import api
from apps.models.events.views import LoggedEventSerializer
from apps.models.management.operator import OperatorCommand, plain
from xplatform.cli.watching import event_line


class Command(OperatorCommand):
    help = "Show what happened to models, replicas and nodes, from the database."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--uid", help="of this model")
        parser.add_argument("--node", help="of this node")
        parser.add_argument("--replica", help="of this replica")
        parser.add_argument("--last", type=int, default=50, help="so many of the newest")

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        chosen = {name: options[name] for name in ("uid", "node", "replica")}
        found = plain(
            LoggedEventSerializer(api.events(**chosen, limit=options["last"]), many=True).data
        )
        return found, "\n".join(map(event_line, found)) or "Nothing happened yet."
