"""``manage.py usage [--from DAY] [--group project,model] [--csv | --json]``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.metering import actions, reports
from xplatform.core.config import settings


class Command(BaseCommand):
    help = "Show what was used, straight from the database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--from", dest="begin", metavar="DAY", help="30 days ago if absent")
        parser.add_argument("--to", dest="end", metavar="DAY", help="not part of it; now if absent")
        for name in ("project", "user", "key", "model"):
            parser.add_argument("--" + name, default="", help=f"of this {name}")
        parser.add_argument(
            "--group", default="day,model", help=f"of {', '.join(reports.GROUPS)}; day,model"
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--csv", action="store_true", help="print CSV")
        form.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        group = tuple(options["group"].split(","))
        if unknown := set(group) - set(reports.GROUPS):
            raise CommandError(f"There is no {', '.join(sorted(unknown))} to group by.")
        user = options["user"]
        if user and not (user := actions.user_id(user)):
            raise CommandError(f"There is no user {options['user']!r}.")
        end = _day(options["end"]) or timezone.now()
        wish = reports.Wish(
            _day(options["begin"]) or end - timedelta(days=30), end, options["project"], user,
            options["key"], options["model"], group,
        )  # fmt: skip
        currency = settings().currency
        if options["json"]:
            lines = reports.as_json(wish, currency)
        elif options["csv"]:
            lines = reports.as_csv(wish, currency)
        else:
            lines = reports.as_table(wish, currency)
        for line in lines:
            self.stdout.write(line, ending="")


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day like 2030-01-31.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
