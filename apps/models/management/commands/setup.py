"""``manage.py setup``: make the database ready. Run at every start of the server."""

from __future__ import annotations

import argparse
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from apps.accounts.api import ensure_admin, ensure_command_line, ensure_first_key
from apps.models.api import set_built_in, start_prewarmed
from xplatform.core.config import settings
from xplatform.core.errors import PlatformError

#: any number will do, as long as nobody else uses it in this database
_ADVISORY_LOCK = 7_997_001


class Command(BaseCommand):
    help = "Bring the database up to date; make the first administrator and API key."
    requires_migrations_checks = False
    # The checks cost more than all the rest; `manage.py check` runs them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _alone():
                result = _set_up()
        except OperationalError as error:
            first = str(error).strip().splitlines()[0]
            raise CommandError(f"The database cannot be used: {first}") from None
        except PlatformError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        if (admin := result["admin"]) is not None:
            password = admin["password"] or "(as set)"
            self.stdout.write(f"Administrator {admin['username']}, password {password}")
        if result["api_key"] is not None:
            self.stdout.write(f"API key {result['api_key']}")
        self.stdout.write("The database is ready.")


def _set_up() -> dict[str, Any]:
    given = settings()
    created = _migrate()
    admin = ensure_admin(given.admin_password)
    key = ensure_first_key(given.api_key)
    ensure_command_line()
    set_built_in(given.demo)
    start_prewarmed()
    # What came from the settings is known to whoever set it, and is not repeated in logs.
    return {
        "admin": _shown_admin(admin, bool(given.admin_password)),
        "api_key": None if given.api_key else key,
        "created": created,
    }


def _shown_admin(made: tuple[str, str] | None, given: bool) -> dict[str, str | None] | None:
    if made is None:
        return None
    username, password = made
    return {"username": username, "password": None if given else password}


def _migrate() -> bool:
    """True if the database was empty. Reading what is applied is much quicker than ``migrate``."""
    executor = MigrationExecutor(connection)
    created = not executor.loader.applied_migrations
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    return created


@contextmanager
def _alone() -> Iterator[None]:
    """Two servers on one database may start at once: one migrates, the other waits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
    else:
        path = settings().run_path / "setup.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
