"""The record of changes for the other apps: nobody outside imports anything else of this one
(but the base class of admin pages, in ``in_admin.py``)."""

from __future__ import annotations

from apps.audit.chain import End, seal
from apps.audit.context import Acting, Who, acting, at_the_machine, within
from apps.audit.context import now as acting_now
from apps.audit.recording import record
from apps.audit.refusals import Attempt, failed, refused
from apps.audit.refusals import flush as flush_refusals
from apps.audit.retention import prune, prune_old
from apps.audit.search import MOST, Choice, counted, csv_lines, json_lines, newest
from apps.audit.verification import Verdict, verify

__all__ = [
    "MOST",
    "Acting",
    "Attempt",
    "Choice",
    "End",
    "Verdict",
    "Who",
    "acting",
    "acting_now",
    "at_the_machine",
    "counted",
    "csv_lines",
    "failed",
    "flush_refusals",
    "json_lines",
    "newest",
    "prune",
    "prune_old",
    "record",
    "refused",
    "seal",
    "verify",
    "within",
]
