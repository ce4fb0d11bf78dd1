"""``manage.py unlock [--account NAME] [--address ADDRESS]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from apps.accounts.actions.locks import locks, unlock


class Command(BaseCommand):
    help = "Let accounts and addresses try again that have to wait after wrong passwords."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--account", default="", help="name of a user")
        parser.add_argument("--address", default="", help="where the attempts come from")
        parser.add_argument("--list", action="store_true", help="only show who waits")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            for lock in locks():
                who = " from ".join(filter(None, [lock.account, lock.address])) or "an unknown name"
                self.stdout.write(f"{who}: {lock.failures} failures, {lock.seconds} s to wait")
            return
        opened = unlock(options["account"], options["address"])
        self.stdout.write(f"{opened} locks are open." if opened != 1 else "1 lock is open.")
