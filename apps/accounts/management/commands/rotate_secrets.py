"""``manage.py rotate_secrets [--no-new-key] [--batch N]``."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.actions import rotating
from xplatform.core.config import ConfigError


class Command(BaseCommand):
    help = (
        "Seal the secrets in the database with a new key, and sign sessions, tokens and ID tokens"
        " with new secrets. Running servers go on: what was sealed or signed before is still good."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--no-new-key", action="store_true", help="only seal anew what has an older key"
        )
        parser.add_argument("--batch", type=int, default=200, help="rows read at once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotating.rotate(
                new_key=not options["no_new_key"],
                batch=max(1, options["batch"]),
                tell=self.stderr.write,
            )
        except ConfigError as error:
            raise CommandError(str(error)) from None
        if done.new_key:
            self.stdout.write(f"The vault seals with the new key {done.new_key}.")
        self.stdout.write(f"{done.resealed} secrets were sealed anew.")
        for name in done.signing:
            self.stdout.write(f"New secret: {name}.")
        if "django" in done.signing:
            self.stdout.write("Sessions are signed with it when the web processes start again.")
        for key in done.forgotten:
            self.stdout.write(f"The old key {key} is not used any more and was forgotten.")
        if done.unreadable:
            for model, field, pk in done.unreadable:
                self.stderr.write(f"{model} {pk}: {field} cannot be opened with any key here.")
            raise CommandError("Enter these secrets again, or give the vault their keys.")
