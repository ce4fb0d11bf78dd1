"""``manage.py create_key NAME [--owner USER] [--project SLUG] …``."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.accounts.api import create_key
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Make an API key and print it, this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--owner", help="name of a user; the first administrator if absent")
        parser.add_argument(
            "--project",
            help="the one that it is for; if absent the owner's first one, or all for a superuser",
        )
        parser.add_argument(
            "--action",
            action="append",
            default=[],
            metavar="NAME",
            help="a permission that it has, as in docs/people.md; repeat it; all of the owner's"
            " if absent",
        )
        parser.add_argument(
            "--model",
            action="append",
            default=[],
            metavar="GLOB",
            help="names of models that it may call; repeat it; all if absent",
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            metavar="CIDR",
            help="a network from which it may be used; repeat it; anywhere if absent",
        )
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument("--days", type=float, help="days until it expires; never if absent")
        ends.add_argument("--expires", type=_moment, metavar="TIME", help="as 2027-01-31T12:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        expires = options["expires"]
        if options["days"] is not None:
            expires = timezone.now() + timedelta(days=options["days"])
        try:
            token, record = create_key(
                options["name"],
                owner_name=options["owner"],
                project=options["project"],
                actions=options["action"],
                models=options["model"],
                networks=options["network"],
                expires=expires,
            )
        except PlatformError as error:
            raise CommandError(error.message) from None
        place = f"in {record.project}" if record.project else "for all projects"
        self.stderr.write(f"Key {record.id} of {record.owner_name}, {place}.")
        self.stderr.write("It is shown this once:")
        self.stdout.write(token)


def _moment(text: str) -> Any:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 2027-01-31T12:00Z")
    return found if timezone.is_aware(found) else timezone.make_aware(found)
