"""What can be done here, and the least role that may.

Roles rise: whoever has one may do all that a lower one may. Actions of ``SUPERUSER`` reach beyond
a project; no role in one gives them. Keys and tokens are scoped by these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Role = Literal["viewer", "developer", "admin", "owner"]
Least = Literal["nobody", "anybody", "viewer", "developer", "admin", "owner", "superuser"]

#: of a project, rising
ROLES: Final[tuple[Role, ...]] = ("viewer", "developer", "admin", "owner")
#: ``nobody`` needs no credential at all, ``anybody`` any that is good
RISING: Final[tuple[Least, ...]] = ("nobody", "anybody", *ROLES, "superuser")
SUPERUSER: Final = "superuser"


@dataclass(frozen=True, slots=True)
class Action:
    #: what somebody may who may do this
    sentence: str
    least: Least
    #: what the role says in a project, where it is not all
    note: str = ""


ACTIONS: Final[dict[str, Action]] = {
    "public": Action("See what needs no key: the start page, the documents, the probes.", "nobody"),
    "self.read": Action("See who one is, and one's roles.", "anybody"),
    "self.write": Action("Change one's own profile, password and second factor.", "anybody"),
    "models.read": Action("See which models can be called.", "viewer"),
    "models.use": Action("Send requests to models.", "developer"),
    "launches.read": Action("See what is launched, and how it runs.", "viewer"),
    "launches.write": Action("Launch, scale and terminate models.", "developer"),
    "launches.unsafe": Action(
        "Launch with what runs code or opens files of the machine: paths, code of a repository,"
        " environment variables, packages, any option of an engine.",
        "superuser",
    ),
    # Names are the same for all projects: who shares a launch called like a well-known model
    # would be sent what others mean for that one.
    "launches.share": Action("Let all projects see and use what belongs to one.", "superuser"),
    "registrations.read": Action("See what can be launched by a name.", "viewer"),
    "registrations.write": Action("Register models to be launched by a name.", "developer"),
    "events.read": Action("See what happened to launches and replicas.", "viewer"),
    "usage.own": Action("See one's own usage.", "developer"),
    "usage.read": Action("See all usage.", "admin"),
    "limits.read": Action("See limits.", "viewer"),
    "limits.write": Action(
        "Set limits.", "admin", "Within what the project has; the project's own: superusers."
    ),
    "keys.own": Action("See, make, rotate and revoke one's own API keys.", "developer"),
    "keys.manage": Action(
        "See, make, rotate and revoke everybody's API keys.",
        "admin",
        "Making and rotating: of people whose role is not higher.",
    ),
    "project.read": Action("See the project and its members.", "viewer"),
    "project.manage": Action(
        "Add and remove members.", "admin", "Up to admins; owners, title and archive: owners."
    ),
    "audit.read": Action("See who changed what.", "admin", "In the project."),
    "nodes.read": Action("See the machines and what they are busy with.", "developer"),
    "nodes.write": Action("Cordon, drain, label and remove machines.", "superuser"),
    "files.read": Action("See the files of models on the machines.", "superuser"),
    "files.write": Action("Fetch and delete files of models.", "superuser"),
    "logs.read": Action("Read the logs.", "superuser"),
    "settings.read": Action("See the settings.", "superuser"),
    "settings.write": Action("Change settings.", "superuser"),
    "cluster.write": Action("Let machines join, restart and stop the cluster.", "superuser"),
    "prices.write": Action("Set prices of models.", "superuser"),
    "projects.create": Action("Make projects.", "superuser"),
    "users.manage": Action("Make, change and delete users and groups.", "superuser"),
}


@cache
def actions_of(role: str) -> frozenset[str]:
    """All that somebody with this role may; with ``""``: somebody who is in no project."""
    rank = RISING.index(role or "anybody")
    return frozenset(name for name, action in ACTIONS.items() if RISING.index(action.least) <= rank)


def rank(role: str) -> int:
    """To compare roles by."""
    return RISING.index(role or "anybody")


def highest(*roles: str) -> str:
    return max(roles, key=rank, default="")
