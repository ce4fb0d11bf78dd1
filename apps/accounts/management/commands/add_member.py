"""``manage.py add_member PROJECT NAME --role ROLE [--group]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.actions.projects import Kind, put_member, remove_member
from apps.accounts.matrix.actions import ROLES
from xplatform.core.errors import PlatformError


class Command(BaseCommand):
    help = "Take a user or a group into a project, change their role, or remove them."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("project", help="its slug")
        parser.add_argument("name", help="of a user, or with --group of a group")
        parser.add_argument("--role", choices=ROLES, default="developer")
        parser.add_argument("--group", action="store_true", help="all who are in this group")
        parser.add_argument("--remove", action="store_true", help="take them out instead")

    def handle(self, *args: Any, **options: Any) -> None:
        project, name, role = options["project"], options["name"], options["role"]
        kind: Kind = "group" if options["group"] else "user"
        try:
            if options["remove"]:
                remove_member(project, kind, name)
            else:
                put_member(project, kind, name, role)
        except PlatformError as error:
            raise CommandError(error.message) from None
        said = "is no longer in" if options["remove"] else f"is {role} in"
        self.stdout.write(f"The {kind} {name} {said} {project}.")
