"""What web processes are told: that credentials have changed, by two ways, and when keys were
used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts import api
from apps.accounts.actions import groups, projects, users
from apps.accounts.models import ApiKey, User


@pytest.fixture
def told(admin_key: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the hints said."""
    said: list[dict[str, Any]] = []

    def broadcast(kind: str, **values: Any) -> None:
        said.append({"kind": kind, **values})

    monkeypatch.setattr("apps.accounts.hints.broadcast", broadcast)
    return said


def test_every_change_is_another_number(told: list[dict[str, Any]]) -> None:
    numbers = [api.credentials_version()]
    _, record = api.create_key("k")
    numbers.append(api.credentials_version())
    api.revoke_key(record.id)
    numbers.append(api.credentials_version())
    assert len(set(numbers)) == 3
    # Revoking it once more changes nothing.
    api.revoke_key(record.id)
    assert api.credentials_version() == numbers[-1]


def test_the_hint_names_what_was_revoked(told: list[dict[str, Any]]) -> None:
    _, record = api.create_key("k")
    api.revoke_key(record.id)
    assert [list(hint["revoked"]) for hint in told] == [[], [record.id]]


def test_the_hint_names_who_may_less(told: list[dict[str, Any]]) -> None:
    def lowered() -> dict[str, Any]:
        """As web processes read it, by name."""
        body = msgspec.msgpack.decode(msgspec.msgpack.encode(told[-1]))
        names = dict(User.objects.values_list("pk", "username"))
        found = api.read_lowered(body["lowered"])
        return {
            names.get(pk, "gone"): (record.superuser, record.roles) if record else None
            for pk, record in found.items()
        }

    users.create_user("ann", is_superuser=True)
    users.create_user("bob")
    groups.create_group("team")
    groups.add_to_group("team", "bob")
    projects.create_project("lab")
    projects.put_member("lab", "group", "team", "admin")
    projects.put_member("lab", "user", "bob", "viewer")
    assert lowered() == {}
    for change, expected in (
        (lambda: users.change_user("bob", email="bob@example.com"), {}),
        (lambda: projects.put_member("lab", "group", "team", "developer"),
         {"bob": (False, {"lab": "developer"})}),
        (lambda: projects.put_member("lab", "group", "team", "admin"), {}),
        (lambda: groups.remove_from_group("team", "bob"), {"bob": (False, {"lab": "viewer"})}),
        (lambda: projects.remove_member("lab", "user", "bob"), {"bob": (False, {})}),
        (lambda: users.change_user("ann", is_superuser=False), {"ann": (False, {})}),
        (lambda: projects.put_member("lab", "user", "bob", "owner"), {}),
        (lambda: projects.archive_project("lab"), {"bob": (False, {})}),
        (lambda: projects.restore_project("lab"), {}),
        (lambda: users.change_user("ann", is_active=False), {"ann": None}),
        (lambda: users.change_user("ann", is_active=True), {}),
        (lambda: users.delete_user("ann"), {"gone": None}),
    ):  # fmt: skip
        change()
        assert lowered() == expected


def test_what_is_rolled_back_is_not_told(told: list[dict[str, Any]]) -> None:
    before = api.credentials_version()
    with transaction.atomic():
        api.create_key("k")
        transaction.set_rollback(True)
    assert (api.credentials_version(), told) == (before, [])


def test_the_number_is_counted_though_the_hint_fails(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr("apps.accounts.hints.broadcast", broken)
    before = api.credentials_version()
    api.create_key("k")
    assert api.credentials_version() != before


def test_last_use_is_written_once_for_all_that_tell_of_it(admin_key: str) -> None:
    key = ApiKey.objects.get()
    _, other = api.create_key("other")
    api.used([str(key.pk)])
    key.refresh_from_db()
    first = key.last_used
    assert first is not None
    api.used([str(key.pk), other.id])
    key.refresh_from_db()
    assert key.last_used == first
    assert ApiKey.objects.get(pk=other.id).last_used is not None
    ApiKey.objects.filter(pk=key.pk).update(last_used=timezone.now() - timedelta(minutes=1))
    api.used([str(key.pk)])
    key.refresh_from_db()
    assert key.last_used is not None
    assert key.last_used >= first
