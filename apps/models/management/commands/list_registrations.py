from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.models import api
from apps.models.faces.registrations import RegistrationSerializer, check_kind, shown
from apps.models.management.operator import OperatorCommand, plain
from xplatform.cli.registry import registration_table


class Command(OperatorCommand):
    help = "Show what people have registered, everybody's own too."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--kind", help="llm, embedding, …")

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        infos = api.registrations(check_kind(options["kind"]))
        found = plain(RegistrationSerializer([shown(info) for info in infos], many=True).data)
        return found, registration_table(found, []) if found else "There is none."
