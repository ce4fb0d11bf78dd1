"""``manage.py create_key NAME [--owner USER] [--days N]``."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts.api import create_key
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Make an API key and print it, this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--owner", help="name of a user; the first administrator if absent")
        parser.add_argument("--days", type=float, help="days until it expires; never if absent")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        expires = None if days is None else timezone.now() + timedelta(days=days)
        try:
            token, record = create_key(
                options["name"], owner_name=options["owner"], expires=expires
            )
        except PlatformError as error:
            raise CommandError(error.message) from None
        self.stderr.write(f"Key {record.id} of {record.owner_name}. It is shown this once:")
        self.stdout.write(token)
