"""``manage.py revoke_key ID|PREFIX``, or all of a project or of somebody."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.api import keys, revoke_key
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Revoke an API key, or all of a project or of a user, at once and for good."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("key", nargs="?", help="its id, or the beginning of the key")
        parser.add_argument("--owner", metavar="USER", help="all of this user's")
        parser.add_argument("--project", metavar="SLUG", help="all of this project's")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted, owner, project = options["key"], options["owner"], options["project"]
        if bool(wanted) == bool(owner or project):
            raise CommandError("Name a key, or --owner, --project or both.")
        found = [key for key in keys() if key.revoked is None]
        if wanted:
            wanted = wanted.rstrip("…")
            found = [k for k in keys() if k.id == wanted or k.prefix.rstrip("…") == wanted[:9]]
            if len(found) > 1:
                raise CommandError("Several keys begin so; give the id.")
        else:
            found = [k for k in found if owner in (None, k.owner) and project in (None, k.project)]
        if not found:
            raise CommandError("There is no such key.")
        for key in found:
            try:
                info = revoke_key(key.id)
            except PlatformError as error:
                raise CommandError(error.message) from None
            self.stdout.write(f"Key {info.name!r} ({info.prefix}) is revoked.")
