"""``manage.py setup_code``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.accounts.actions.first_admin import needs_setup, setup_code


class Command(BaseCommand):
    help = "Print the code with which the first administrator is made by POST /v1/admin/setup."

    def handle(self, *args: Any, **options: Any) -> None:
        if needs_setup():
            self.stdout.write(setup_code())
        else:
            self.stdout.write("There is an administrator already; no code is of any use.")
