"""``manage.py audit verify | search | export | prune``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit import api
from apps.audit.context import at_the_machine
from xplatform.core.config import settings
from xplatform.core.errors import PlatformError

#: exit codes beside 0 and Django's 1 for what went wrong
NOT_WHOLE, USAGE = 1, 2


class Command(BaseCommand):
    help = "Verify, search, export and prune the record of changes."
    # As of other commands on a server that runs: nothing is to be checked first.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="ACTION")
        verify = does.add_parser("verify", help="is the chain whole? Exit code 1: no")
        verify.add_argument(
            "--head",
            metavar="SEQ:LINK",
            help="an end of the chain that was printed before and kept elsewhere",
        )
        verify.add_argument("--json", action="store_true", help="print JSON, for programs")
        search = does.add_parser("search", help="show entries, newest first")
        _choosing(search)
        search.add_argument("--last", type=int, default=50, help="so many of the newest")
        search.add_argument("--json", action="store_true", help="print JSON, for programs")
        export = does.add_parser("export", help="print entries, oldest first")
        _choosing(export)
        export.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
        prune = does.add_parser("prune", help="remove old entries, and sign that they were removed")
        prune.add_argument(
            "--days", type=float, help="older than so many days; else the setting audit_days"
        )
        prune.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        work = getattr(self, "_" + options["does"])
        try:
            with at_the_machine("audit"):
                work(options)
        except PlatformError as error:
            raise CommandError(error.message, returncode=USAGE) from None

    def _verify(self, options: dict[str, Any]) -> None:
        known = _head(options["head"])
        api.seal()
        verdict = api.verify(known)
        if options["json"]:
            found = {**asdict(verdict), "whole": verdict.whole}
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for problem in verdict.problems:
                row = f" (row {problem.id})" if problem.id else ""
                self.stdout.write(f"{problem.what}{row}.")
            if more := verdict.problem_count - len(verdict.problems):
                self.stdout.write(f"… and {more} more.")
            pruned = f", {verdict.pruned_up_to} pruned" if verdict.pruned_up_to else ""
            head = f"; head {verdict.last}:{verdict.head}" if verdict.last else ""
            self.stdout.write(f"{verdict.entries} entries{pruned}{head}")
        if not verdict.whole:
            raise CommandError("The audit is not whole.", returncode=NOT_WHOLE)

    def _search(self, options: dict[str, Any]) -> None:
        last = options["last"]
        if not 1 <= last <= api.MOST:
            raise CommandError(f"--last is from 1 to {api.MOST}.", returncode=USAGE)
        rows = api.newest(api.Choice.read(options), last)
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False, default=str))
            return
        for row in rows:
            self.stdout.write(_line(row))
        if not rows:
            self.stdout.write("There is no such entry.")

    def _export(self, options: dict[str, Any]) -> None:
        lines = api.csv_lines if options["format"] == "csv" else api.json_lines
        for line in lines(api.Choice.read(options)):
            self.stdout.write(line, ending="")

    def _prune(self, options: dict[str, Any]) -> None:
        days = options["days"] if options["days"] is not None else settings().audit_days
        if days <= 0:
            raise CommandError(
                "Entries are kept for ever (audit_days is 0): say --days.", returncode=USAGE
            )
        api.seal()
        try:
            before = timezone.now() - timedelta(days=days)
        except OverflowError:
            raise CommandError(f"--days {days} is before all time.", returncode=USAGE) from None
        removed = api.prune(before, "operator")
        text = json.dumps({"removed": removed}) if options["json"] else f"{removed} entries removed"
        self.stdout.write(text)


def _choosing(parser: argparse.ArgumentParser) -> None:
    for name, text in {
        "who": "by this person or part of the server",
        "action": "of this action; launch.* for all that begin so",
        "thing": "on this kind of thing: launch, key, node …",
        "id": "on the thing of this name or id",
        "project": "in this project",
        "outcome": "done, refused or failed",
        "key": "with the key of this id",
        "address": "from this address",
        "request": "of the request of this id",
        "text": "with this text anywhere",
        "since": "from then on: 2026-01-31, 2026-01-31T12:00:00Z or now-2h",
        "until": "up to then",
    }.items():
        parser.add_argument(f"--{name}", help=text)


def _head(text: str | None) -> api.End | None:
    if not text:
        return None
    seq, _, link = text.partition(":")
    if not seq.isdigit() or len(link) != 64:
        raise CommandError("--head is of the form 123:<64 characters>.", returncode=USAGE)
    return api.End(int(seq), link)


def _line(row: dict[str, Any]) -> str:
    who = row["who"] + (f" ({row['address']})" if row["address"] else "")
    parts = [f"{row['at']:%Y-%m-%d %H:%M:%S}", who, row["action"], row["thing"], row["thing_id"]]
    if row["count"] > 1:
        parts.append(f"× {row['count']}")
    if row["outcome"] != "done":
        parts.append(row["outcome"])
    changes = ", ".join(
        f"{name}: {_short(before)} → {_short((row['after'] or {}).get(name))}"
        for name, before in (row["before"] or {}).items()
    )
    tail = "; ".join(part for part in (changes, row["why"]) if part)
    return "  ".join(part for part in parts if part) + (f"  [{tail}]" if tail else "")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
