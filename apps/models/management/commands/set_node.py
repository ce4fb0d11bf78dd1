from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.models.management.operator import OperatorCommand, plain
from apps.models.nodes import actions
from apps.models.serializers import NodeSerializer

_DONE = {
    "cordon": "gets no new replicas",
    "uncordon": "gets replicas again",
    "drain": "is being drained: its replicas move away",
}


class Command(OperatorCommand):
    help = "Cordon, uncordon, drain or remove a node."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="the node's name")
        parser.add_argument("action", choices=[*_DONE, "remove"])

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        name, action = options["name"], options["action"]
        if action == "remove":
            actions.remove(name, self.who)
            return {"removed": name}, f"{name} is forgotten."
        do = {"cordon": actions.cordon, "uncordon": actions.uncordon, "drain": actions.drain}
        info = do[action](name, self.who)
        return plain(NodeSerializer(info).data), f"{name} {_DONE[action]}."
