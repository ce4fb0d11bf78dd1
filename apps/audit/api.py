"""The record of changes for the other apps: nobody outside imports anything else of this one
(but the base class of admin pages, in ``in_admin.py``)."""

from __future__ import annotations

from apps.audit.chain import End, seal
from apps.audit.context import Acting, Who, acting, within
from apps.audit.recording import record
from apps.audit.retention import prune, prune_old
from apps.audit.search import MOST, Choice, counted, csv_lines, json_lines, newest
from apps.audit.verification import Verdict, verify

__all__ = [
    "MOST",
    "Acting",
    "Choice",
    "End",
    "Verdict",
    "Who",
    "acting",
    "counted",
    "csv_lines",
    "json_lines",
    "newest",
    "prune",
    "prune_old",
    "record",
    "seal",
    "verify",
    "within",
]
