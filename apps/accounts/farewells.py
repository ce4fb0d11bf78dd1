"""What other apps do when somebody or a project goes. They register it here from their
``AppConfig.ready``, since this app knows none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_USERS: Final[list[Callable[[str], None]]] = []
_PROJECTS: Final[list[Callable[[str, str], None]]] = []


def when_a_user_is_deleted(function: Callable[[str], None]) -> None:
    """``function(username)`` runs inside the transaction that deletes the user."""
    _USERS.append(function)


def when_a_project_is_archived(function: Callable[[str, str], None]) -> None:
    """``function(slug, by)`` runs inside the transaction that archives the project."""
    _PROJECTS.append(function)


def user_is_deleted(username: str) -> None:
    for function in _USERS:
        function(username)


def project_is_archived(slug: str, by: str) -> None:
    for function in _PROJECTS:
        function(slug, by)
