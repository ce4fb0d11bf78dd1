"""Limits of the operating system."""

from __future__ import annotations

import resource

#: a stream is an open file, and a web process may have thousands
_FILES = 65_536


def allow_many_files() -> None:
    """Raise the soft limit (often 1024) as far as we may; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # macOS knows a lower limit that it does not tell.
        pass
