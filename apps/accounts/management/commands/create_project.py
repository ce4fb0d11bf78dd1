"""``manage.py create_project SLUG [--title TEXT] [--owner USER]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.actions.projects import create_project
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Make a project: people, models, keys, limits and usage of its own."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="its name: lower-case letters, digits and hyphens")
        parser.add_argument("--title", default="", help="as people read it")
        parser.add_argument("--owner", metavar="USER", help="its first owner")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            create_project(options["slug"], options["title"], owner=options["owner"])
        except PlatformError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"The project {options['slug']} is there.")
