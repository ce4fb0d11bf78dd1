"""``manage.py create_user NAME [--superuser] [--project SLUG --role ROLE]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts.actions import projects, users
from apps.accounts.matrix.actions import ROLES
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Make a user, and print a password for the first login, this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument("--superuser", action="store_true", help="may all, everywhere")
        parser.add_argument(
            "--no-password",
            action="store_true",
            help="comes by single sign-on, or has keys only",
        )
        parser.add_argument(
            "--project", metavar="SLUG", help="takes them in, in the role of --role"
        )
        parser.add_argument("--role", choices=ROLES, default="developer")

    def handle(self, *args: Any, **options: Any) -> None:
        password = None if options["no_password"] else users.new_password()
        name = options["username"]
        try:
            with transaction.atomic():
                users.create_user(
                    name, password, email=options["email"], is_superuser=options["superuser"]
                )
                if options["project"]:
                    projects.put_member(options["project"], "user", name, options["role"])
        except PlatformError as error:
            raise CommandError(error.message) from None
        if password is None:
            self.stderr.write(f"{name} is there, without a password.")
            return
        self.stderr.write(f"{name} is there. Their password, shown this once:")
        self.stdout.write(password)
