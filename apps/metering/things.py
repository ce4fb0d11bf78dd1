"""Whose a limit is that a path names, for the permission matrix. Registered when a process starts,
so nothing is loaded here before it is needed."""

from __future__ import annotations

from collections.abc import Mapping

from apps.accounts.things import Found, register


def register_all() -> None:
    register("limit", _limit)


def _limit(parameters: Mapping[str, str]) -> Found | None:
    """Those of the whole platform are of no project: nobody sees them from within one."""
    from apps.metering.actions import limit_project

    project = limit_project(parameters["limit_id"])
    return None if project is None else Found(project)
