"""``manage.py set_quota --user NAME --requests-per-minute 60 --money-per-month 20``."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.api import local_operator
from apps.metering.actions import set_limit
from apps.metering.rules import EACH, KINDS
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Set, change and take away limits. What is not named stays as it is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--key", metavar="ID", help="of this API key; * for each one")
        whose.add_argument("--user", metavar="NAME", help="of this user; * for each one")
        whose.add_argument("--project", metavar="NAME", help="of this project; * for each one")
        whose.add_argument("--everyone", action="store_true", help="of all together")
        parser.add_argument(
            "--within", metavar="PROJECT", default="", help="only what is done in this project"
        )
        parser.add_argument(
            "--model", metavar="NAMES", default=EACH, help="only these models; * and ? stand for"
            " others",
        )  # fmt: skip
        for kind in KINDS:
            parser.add_argument(
                "--" + kind.replace("_", "-"), metavar="N", help="a number, or none"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        scope = next(name for name in ("key", "user", "project", "everyone") if options[name])
        words = {
            "scope": scope,
            "subject": "" if scope == "everyone" else options[scope],
            "project": options["within"],
            "model": options["model"],
        }
        given = {kind: options[kind] for kind in KINDS if options[kind] is not None}
        if not given:
            raise CommandError("Say which limit: --requests-per-minute 60, for one.")
        by = local_operator().actor()
        for kind, text in given.items():
            try:
                made = set_limit(by, _amount(text), kind=kind, **words)
            except PlatformError as error:
                raise CommandError(error.message) from None
            said = "none" if made is None else f"{made.amount.normalize():f}"
            self.stdout.write(f"{kind}: {said}")


def _amount(text: str) -> Decimal | None:
    if text == "none":
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text!r} is no number; 'none' takes the limit away.") from None
