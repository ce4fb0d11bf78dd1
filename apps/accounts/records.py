"""What a process keeps in memory about who may come in. Nothing here asks the database."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal, get_args

import msgspec

from apps.accounts.actor import NOWHERE, Actor
from apps.accounts.matrix.actions import SUPERUSER, actions_of, rank
from xplatform.core.errors import NotFound

Kind = Literal["key", "login", "oauth", "operator"]
#: of an API key; "owner left": its owner has no role in its project any more
KeyState = Literal[
    "active",
    "rotated",
    "revoked",
    "expired",
    "owner disabled",
    "owner left",
    "project archived",
]
KEY_STATES: Final[tuple[str, ...]] = get_args(KeyState)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: id of the key that commands on this machine use: whoever can read the home folder has it
LOCAL_OPERATOR: Final = "local"

#: what every credential may, whatever its scopes are: clients ask it before all else
_ALWAYS: Final = frozenset({"self.read"})
#: what is left to people who owe a new password or a second factor
WHILE_OWING: Final = frozenset({"self.read", "self.write"})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A credential: an API key, a login, an OAuth token, or the local operator's."""

    #: of the key, the login or the token
    id: str
    digest: bytes
    name: str
    #: None: the local operator, and clients that act for themselves
    owner_id: int | None
    owner_name: str
    #: Unix time, to be compared without any parsing
    expires: float | None
    kind: Kind = "key"
    #: "": a superuser's, for all projects
    project: str = ""
    role: str = ""
    superuser: bool = False
    #: the role's and the scopes'
    actions: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    #: of a login, which is for every project of its owner: ``project`` is the one that counts
    #: where none is named
    person: UserRecord | None = None
    #: of an OAuth token: what those that came of one login, each by renewing the last, have in
    #: common
    family: str = ""

    @property
    def is_admin(self) -> bool:
        return self.superuser

    @property
    def sender(self) -> str:
        """Whose a request is that comes with it: a key's. Of the tokens that are renewed now and
        then, the person's, or the application's that acts for somebody."""
        match self.kind:
            case "login":
                return f"user:{self.owner_id}"
            case "oauth":
                return f"application:{self.owner_id}:{self.name}"
        return self.id

    def has_expired(self) -> bool:
        return self.expires is not None and self.expires <= time.time()

    def may_come_from(self, address: str) -> bool:
        return not self.networks or _is_within(address, self.networks)

    def actor(self, address: str = "", project: str = "") -> Actor:
        """``project``: the one that the request names; raises NotFound if the credential is for
        another one."""
        if self.person is not None and project and project != self.project:
            return self.person.login(self.id, self.expires, project).actor(address)
        if project and self.project and project != self.project:
            raise no_project(project)
        return Actor(
            user_id=self.owner_id,
            name=self.owner_name,
            key_id=self.id,
            project=self.project or project,
            role=self.role,
            superuser=self.superuser,
            actions=self.actions,
            models=self.models,
            address=address,
            networks=tuple(str(network) for network in self.networks),
            bound=bool(self.project) and self.kind != "login",
        )


@dataclass(frozen=True, slots=True)
class UserRecord:
    """Somebody who may log in, and their roles: for credentials that stand for a person."""

    id: int
    name: str
    superuser: bool
    #: slug of each project that is not archived → the highest role there; by slug
    roles: Mapping[str, str] = field(default_factory=dict)
    #: Unix time; tokens from before it are over
    tokens_after: float = 0.0
    #: a new password or a second factor is due: until then they may only see to that
    owes: bool = False

    def project(self, wanted: str = "") -> str:
        """The project in which this user acts. Raises NotFound for one that they are not in."""
        if self.superuser:
            return wanted
        if wanted:
            if wanted not in self.roles:
                raise no_project(wanted)
            return wanted
        return next(iter(self.roles), NOWHERE)

    def role(self, project: str) -> str:
        return SUPERUSER if self.superuser else self.roles.get(project, "")

    def record(
        self,
        project: str = "",
        *,
        kind: Kind = "login",
        id: str = "",
        digest: bytes = b"",
        name: str = "",
        expires: float | None = None,
        actions: frozenset[str] | None = None,
        models: tuple[str, ...] = (),
        networks: tuple[Network, ...] = (),
    ) -> KeyRecord:
        """A credential of this user's, in the project that it names, or else in their first one.
        ``actions`` are its scopes; None: it may all that the user may. Raises NotFound."""
        project = self.project(project)
        if self.owes:
            actions = WHILE_OWING
        return credential(
            id=id,
            digest=digest,
            name=name or self.name,
            owner_id=self.id,
            owner_name=self.name,
            expires=expires,
            kind=kind,
            project=project,
            role=self.role(project),
            actions=actions,
            models=models,
            networks=networks,
        )

    def login(self, id: str, expires: float | None, project: str = "") -> KeyRecord:
        """A login of theirs, for all their projects. Raises NotFound."""
        return replace(self.record(project, id=id, name="login", expires=expires), person=self)


def credential(
    *,
    id: str,
    digest: bytes,
    name: str,
    owner_id: int | None,
    owner_name: str,
    expires: float | None,
    kind: Kind,
    project: str,
    role: str,
    actions: frozenset[str] | None = None,
    models: tuple[str, ...] = (),
    networks: tuple[Network, ...] = (),
    family: str = "",
) -> KeyRecord:
    """The one place where scopes meet a role: a credential never may more than its owner."""
    given = actions_of(role)
    return KeyRecord(
        id=id,
        digest=digest,
        name=name,
        owner_id=owner_id,
        owner_name=owner_name,
        expires=expires,
        kind=kind,
        project=project,
        role=role,
        superuser=role == SUPERUSER and actions is None,
        actions=given if actions is None else given & (actions | _ALWAYS),
        models=models,
        networks=networks,
        family=family,
    )


#: people who may less than before: what they are now; None: they may not log in any more
Lowered = Mapping[int, UserRecord | None]


def lowered(record: KeyRecord, owner: UserRecord | None) -> KeyRecord | None:
    """A credential of somebody who may less now; None: it opens nothing. It only ever takes away:
    which scopes it was given cannot be told from it."""
    if owner is None:
        return None
    if not record.project:
        role = owner.role("")
    else:
        role = "owner" if owner.superuser else owner.role(record.project)
    role = min(role, record.role, key=rank)
    if record.role and not role:
        return None
    return replace(
        record,
        role=role,
        superuser=record.superuser and role == SUPERUSER,
        actions=record.actions & actions_of(role),
    )


def less(was: UserRecord | None, told: UserRecord | None) -> UserRecord | None:
    """Somebody of whom we were told that they may less: never more than what was read, whoever
    tells it and in whatever order it comes."""
    if was is None or told is None:
        return None
    both = {slug: min(role, told.roles.get(slug, ""), key=rank) for slug, role in was.roles.items()}
    return replace(
        was,
        superuser=was.superuser and told.superuser,
        roles={slug: role for slug, role in both.items() if role},
        tokens_after=max(was.tokens_after, told.tokens_after),
        owes=was.owes or told.owes,
    )


def read_lowered(told: object) -> Lowered:
    """As a hint has it."""
    return dict(msgspec.convert(told, list[tuple[int, UserRecord | None]]))


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that a web process knows by heart. Expired ones are among them for a while, so that
    their owners can be told; who looks one up compares ``expires``."""

    #: found by ``key_digest`` of the token
    keys: tuple[KeyRecord, ...]
    #: by id; those that may log in now
    users: Mapping[int, UserRecord]
    #: OAuth's access tokens, found by the SHA-256 of the token
    tokens: tuple[KeyRecord, ...] = ()
    #: ids of logins that were ended while access tokens of theirs may live
    ended_logins: frozenset[str] = frozenset()


def no_project(slug: str) -> NotFound:
    """The same words for one that is not there and for one that is none of the caller's."""
    return NotFound(f"There is no project {slug[:100]!r}.", param="project")


@lru_cache(maxsize=10_000)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        there = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False  # a Unix socket, or nothing that we know
    if there.version == 6 and there.ipv4_mapped is not None:
        there = there.ipv4_mapped
    return any(there in network for network in networks if network.version == there.version)
