"""Scopes: the actions of the permission matrix, what OpenID Connect names, and one project.

``project:<slug>`` says in which project a token acts, ``project:*`` (superusers) in all. A token
without either acts nowhere: it tells who somebody is, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from oauth2_provider.scopes import BaseScopes

from apps.accounts.matrix.actions import ACTIONS

#: about the person, not about what may be done
IDENTITY: Final = {
    "openid": "Know who you are (your account's number)",
    "profile": "Know your name",
    "email": "Know your e-mail address",
    "groups": "Know the groups you are in",
}

#: what is asked for when a client names nothing
DEFAULT: Final = ("models.use", "models.read")

PROJECT: Final = "project:"
ALL_PROJECTS: Final = "*"


class Scopes(BaseScopes):  # type: ignore[misc]
    def get_all_scopes(self) -> dict[str, str]:
        return {**IDENTITY, **{name: action.sentence for name, action in ACTIONS.items()}}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        allowed = application.scopes.split() if application is not None else []
        return [name for name in self.get_all_scopes() if not allowed or name in allowed]

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        available = self.get_available_scopes(application)
        return [name for name in DEFAULT if name in available] or available


def described(scopes: Iterable[str]) -> list[tuple[str, str]]:
    """(name, sentence) of each, the project left out."""
    known = Scopes().get_all_scopes()
    return [(name, known[name]) for name in scopes if name in known]


def project_of(scopes: Iterable[str]) -> str | None:
    """The slug, ``*`` for all, None for none."""
    named = [scope for scope in scopes if scope.startswith(PROJECT)]
    return named[0].removeprefix(PROJECT) if named else None


def in_project(scopes: Iterable[str], slug: str | None) -> list[str]:
    """The same scopes in this project and no other."""
    kept = [scope for scope in scopes if not scope.startswith(PROJECT)]
    return [*kept, PROJECT + slug] if slug else kept


def acts(scopes: Iterable[str]) -> bool:
    """Whether anything may be done with them, in some project."""
    return any(scope in ACTIONS for scope in scopes)
