from __future__ import annotations

from typing import Any

from apps.models import api
from apps.models.management.operator import OperatorCommand, plain
from apps.models.serializers import NodeSerializer
from xplatform.cli.overview import node_table


class Command(OperatorCommand):
    help = "Show the machines of the cluster, from the database."

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        found = plain(NodeSerializer(api.nodes(), many=True).data)
        return found, node_table(found) if found else "There is no node."
