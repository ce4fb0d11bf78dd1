"""``manage.py revoke_key ID|PREFIX``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.api import keys, revoke_key
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Revoke an API key, at once and for good."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("key", help="its id, or the beginning of the key")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["key"].rstrip("…")
        found = [k for k in keys() if k.id == wanted or k.prefix.rstrip("…") == wanted[:9]]
        if len(found) != 1:
            problem = (
                "There is no such key." if not found else "Several keys begin so; give the id."
            )
            raise CommandError(problem)
        try:
            info = revoke_key(found[0].id)
        except PlatformError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Key {info.name!r} ({info.prefix}) is revoked.")
