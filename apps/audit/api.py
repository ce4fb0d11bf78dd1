"""The record of changes for the other apps: nobody outside imports anything else of this one."""

from __future__ import annotations

from apps.audit.context import Acting, Who, acting, within
from apps.audit.recording import record

__all__ = ["Acting", "Who", "acting", "record", "within"]
