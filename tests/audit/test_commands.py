"""Commands on the server's machine: all that are promised are there and explain themselves, and
each that changes something leaves one entry by the operator."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from apps.accounts import api as accounts
from apps.audit import api
from apps.audit.models import Entry
from apps.models import api as models
from apps.models.models import Node
from tests.models.world import an_order
from tests.support.people import person

PROMISED: Final = (
    "create_key",
    "revoke_key",
    "set_quota",
    "usage",
    "audit",
    "rotate_secrets",
    "check",
)
#: for programs, too
WITH_JSON: Final = ("usage", "launch_model", "list_launches", "list_nodes", "list_events")


def ours() -> list[str]:
    return sorted(name for name, app in get_commands().items() if str(app).startswith("apps."))


@pytest.mark.parametrize("name", sorted({*PROMISED, *ours()}))
def test_help(name: str) -> None:
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    assert len(command.help) > 10
    text = parser.format_help()
    for action in parser._actions:
        plain = action.dest in ("username", "email") or action.choices or action.metavar
        assert action.help or plain, (name, action.dest)
    if name in WITH_JSON:
        assert "--json" in text


#: command → the entry that it leaves
CHANGES: Final[dict[tuple[str, ...], str]] = {
    ("create_key", "ci"): "key.create",
    ("revoke_key", "{key}"): "key.revoke",
    ("create_user", "new", "--no-password"): "user.create",
    ("create_project", "new"): "project.create",
    ("add_member", "default", "dev"): "member.put",
    ("set_quota", "--user", "dev", "--requests-per-minute", "5"): "limits.create",
    ("set_node", "n1", "cordon"): "node.cordon",
    ("set_node", "n1", "drain"): "node.drain",
    ("set_node", "old", "remove"): "node.remove",
    ("launch_model", "--uid", "new", "--engine", "fake", "--model-path", "/dev/null"): (
        "launch.start"
    ),
    ("terminate_model", "m"): "launch.terminate",
}


@pytest.mark.django_db
@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_one_entry_each(words: tuple[str, ...]) -> None:
    accounts.ensure_admin("correct horse battery staple")
    person("dev", "")
    token, key = accounts.create_key("old", owner_name="admin")
    Node.objects.create(name="n1")
    Node.objects.create(name="old", state="silent")
    models.launch(an_order("m"))
    last = Entry.objects.latest("id").pk
    with api.at_the_machine(words[0]):
        call_command(
            *[word.format(key=key.id) for word in words], stdout=StringIO(), stderr=StringIO()
        )
    entry = Entry.objects.get(id__gt=last)
    assert (entry.action, entry.outcome) == (CHANGES[words], "done")
    assert entry.who == "operator" and entry.via.startswith(f"manage.py {words[0]} (")
    kept = json.dumps(str(list(Entry.objects.values())))
    assert token not in kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words", [["revoke_key", "nothing"], ["terminate_model", "nothing"], ["set_node", "x", "drain"]]
)
def test_what_fails_leaves_none(words: list[Any]) -> None:
    with api.at_the_machine(words[0]), pytest.raises(CommandError) as error:
        call_command(*words, stdout=StringIO())
    assert error.value.returncode > 0
    assert not Entry.objects.exists()
