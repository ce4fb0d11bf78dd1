"""Commands of Django and of our apps, for names that are none of ours."""

from __future__ import annotations

import difflib
import os
import sys

from apps.accounts.matrix.commands import MANAGE
from xplatform.cli.main import COMMANDS, fail


def run(name: str, words: list[str]) -> int:
    # Not by setdefault: a shell may still name another project's. --settings is heard.
    os.environ["DJANGO_SETTINGS_MODULE"] = "xplatform.settings"
    import django
    from django.core.management import execute_from_command_line, get_commands

    if name.startswith("-"):
        return fail(f"there is no flag {name.partition('=')[0]} here; 'xplatform --help' tells.")
    if name != "help":
        django.setup()
        known = {*get_commands(), *COMMANDS}
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
            hint = f"Did you mean {' or '.join(close)}?" if close else "'xplatform --help' tells."
            return fail(f"there is no command {name!r}. {hint}")
    from apps.audit import api as audit

    with audit.at_the_machine(name) as who:
        try:
            execute_from_command_line([sys.argv[0], name, *words])
        except Exception as error:
            # What was typed wrong ends by a SystemExit; this is a defect, or a database that fails.
            if name in MANAGE:
                kind = type(error).__name__
                audit.failed(audit.Attempt(name, "internal_error", "command", who=who, why=kind))
            raise
    return 0
