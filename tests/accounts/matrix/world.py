"""Two projects, somebody of each role in one of them, and things in both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from apps.accounts import api as accounts
from apps.accounts.matrix.actions import ROLES, SUPERUSER, actions_of
from apps.accounts.models import ApiKey, Project
from apps.accounts.oauth.models import Application
from apps.metering.models import Limit
from apps.models import api as models
from apps.webhooks.models import Webhook
from tests.models.world import an_order
from tests.support.people import key_of

NOBODY: Final = "nobody"
OURS, THEIRS, UNKNOWN = "ours", "theirs", "unheard-of"
EVERYBODY: Final = (NOBODY, *ROLES, SUPERUSER)

FAMILY: Final[dict[str, Any]] = {
    "kind": "llm",
    "specs": [
        {"format": "ggufv2", "size": "1", "repositories": [{"hub": "huggingface", "id": "a/b"}]}
    ],
}

#: parameter → value, of a thing
Names = Mapping[str, str]
#: what other parameters are, where a word would not do
_VALUES: Final = {
    "kind": "llm",
    "model_type": "LLM",
    **dict.fromkeys(("replica_id", "price_id", "passkey_id"), "1"),
}


@dataclass(frozen=True)
class World:
    #: role → token; nobody has none
    tokens: Mapping[str, str]
    #: kind of thing → whose → how a path names it; further ones for further kinds
    things: Mapping[str, Mapping[str, Names]]

    def headers(self, role: str, project: str = "") -> dict[str, str]:
        headers = {"X-Project": project} if project else {}
        if token := self.tokens.get(role):
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def path(self, pattern: str, whose: str, kind: str) -> str:
        """With a thing of this project in each place that names one."""
        names = self.things[kind or "launch"][whose]

        def value(match: re.Match[str]) -> str:
            return names.get(match[1]) or _VALUES.get(match[1], "nothing")

        return re.sub(r"\{([a-z_]+)\}", value, pattern)

    def made_unknown(self, content: bytes, whose: str, kind: str) -> bytes:
        """An answer on a thing, as if the one that nobody knows had been asked for."""
        for parameter, name in self.things[kind or "launch"][whose].items():
            unknown = self.things[kind or "launch"][UNKNOWN][parameter]
            content = content.replace(name.encode(), unknown.encode())
        return content


def make_world() -> World:
    tokens = {role: key_of(f"{role}-of-ours", role, OURS) for role in ROLES}
    key_of("owner-of-theirs", "owner", THEIRS)
    get_user_model().objects.create_superuser("root")
    tokens[SUPERUSER], _ = accounts.create_key("root's", owner_name="root")
    things: dict[str, dict[str, Names]] = {kind: {} for kind in _NAMES}
    for whose in (OURS, THEIRS):
        order = {"project": whose, "requested_by": f"owner-of-{whose}"}
        models.launch(an_order(f"{whose}-model", **order))
        family = {**FAMILY, "name": f"{whose}-family"}
        models.register(family, f"owner-of-{whose}", project=whose)
        # Of somebody whom an admin of the project is not below.
        owner = "developer-of-ours" if whose == OURS else "owner-of-theirs"
        limit = Limit.objects.create(
            kind="requests_per_minute", amount=10**6, scope="user", subject="*", project=whose
        )
        Application.objects.create(
            name=f"of-{whose}",
            client_id=f"{whose}-client",
            project=Project.objects.get(slug=whose),
            user=get_user_model().objects.get(username=owner),
            authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
            client_type=Application.CLIENT_CONFIDENTIAL,
        )
        webhook = Webhook.objects.create(
            name=f"of-{whose}", project=whose, url="http://127.0.0.1:9999", secret="whsec_eA=="
        )
        key = ApiKey.objects.get(owner__username=owner)
        ids = {"key": key.pk, "limit": limit.pk, "webhook": webhook.pk}
        for kind, names in _NAMES.items():
            things[kind][whose] = _named(names, whose, str(ids.get(kind, "")))
    unknown = {"key": "00000000-0000-4000-8000-000000000000", "limit": "987654321"}
    unknown["webhook"] = unknown["key"]
    for kind, names in _NAMES.items():
        things[kind][UNKNOWN] = _named(names, UNKNOWN, unknown.get(kind, ""))
    return World(tokens, things)


#: kind of thing → parameter → its value; ``{id}`` is the row's
_NAMES: Final[dict[str, Names]] = {
    "launch": {"uid": "{whose}-model", "model_uid": "{whose}-model"},
    "registration": {"name": "{whose}-family", "model_name": "{whose}-family"},
    "project": {"slug": "{whose}"},
    "key": {"key_id": "{id}"},
    "application": {"client_id": "{whose}-client"},
    "limit": {"limit_id": "{id}"},
    "webhook": {"webhook_id": "{id}"},
}


def _named(names: Names, whose: str, id: str) -> Names:
    return {name: value.format(whose=whose, id=id) for name, value in names.items()}


def may(role: str, action: str) -> bool:
    """As the data says."""
    return action in actions_of("" if role == NOBODY else role)


_WRITES: Final = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
#: a refusal is noted there, and nowhere else
_NOTES: Final = ("audit_", "django_session")


@contextmanager
def undone() -> Iterator[list[str]]:
    """The tables that were written to; afterwards all is as it was."""
    written: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = _WRITES.match(sql)
        if found and not found[2].startswith(_NOTES):
            written.append(found[2])
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(watch):
            yield written
        transaction.set_rollback(True)
