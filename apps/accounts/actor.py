"""Who acts, in which project, and what they may: what every action is given, whichever way its
caller came in."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

#: project of those who are in none: a name that no project can have
NOWHERE: Final = "-"


@dataclass(frozen=True, slots=True)
class Actor:
    #: None: the local operator, and clients that act for themselves
    user_id: int | None
    #: for events and for the audit
    name: str
    #: "": a session
    key_id: str
    #: slug of the project in which it acts. "": a superuser who named none, who sees all and makes
    #: things in the default project
    project: str
    #: in that project; "superuser" for superusers, "" for those who are in no project
    role: str
    #: may all, everywhere: no scope takes anything away
    superuser: bool
    #: what the role gives and the credential's scopes leave
    actions: frozenset[str]
    #: globs of names of models; none: all
    models: tuple[str, ...] = ()
    address: str = ""
    #: from where the credential may be used, as text; none: from anywhere. A credential that it
    #: makes reaches no further
    networks: tuple[str, ...] = ()
    #: the credential is for this project alone
    bound: bool = False

    def may(self, action: str) -> bool:
        return action in self.actions

    def sees(self, project: str) -> bool:
        return not self.project or project == self.project

    def may_use(self, model: str) -> bool:
        """By the scopes; whether its project is seen is another question."""
        if "models.use" not in self.actions:
            return False
        return not self.models or any(fnmatchcase(model, glob) for glob in self.models)
