"""What operators' commands share: they call the same actions as the web does, without a server
between, and print what the commands that ask a server print."""

from __future__ import annotations

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.models.control import effects
from xplatform.cli.connection import exit_code_of
from xplatform.core.errors import PlatformError

_FLUSH_SECONDS = 3.0


class OperatorCommand(BaseCommand):
    """``work`` returns (what ``--json`` shows, what people see)."""

    # As of other commands on a server that runs: nothing is to be checked first.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            value, text = self.work(options)
        except PlatformError as error:
            raise CommandError(str(error), returncode=exit_code_of(error.status)) from None
        finally:
            _send_orders()
        if options["json"]:
            text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self.stdout.write(text)

    def work(self, options: dict[str, Any]) -> tuple[Any, str]:
        raise NotImplementedError

    @property
    def who(self) -> str:
        """For the events: who typed it, on the server's own machine."""
        try:
            return f"{getpass.getuser()} by manage.py"
        except (KeyError, OSError):
            return "somebody by manage.py"


def _send_orders() -> None:
    """They leave by a thread, which would end with this process. What does not get out in this
    time, the control plane makes up for."""
    if effects.sender.cache_info().currsize:
        effects.sender().flush(_FLUSH_SECONDS)


def plain(value: Any) -> Any:
    """A serializer's data as dicts, lists and JSON's values, as the API answers it."""
    from rest_framework.renderers import JSONRenderer

    return json.loads(JSONRenderer().render(value))
