"""API keys: shown once, stored as a keyed hash, told to the web processes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts import api
from apps.accounts.models import ApiKey, User
from xplatform.core.config import secret
from xplatform.core.errors import InvalidValue, MissingField, NotFound

pytestmark = pytest.mark.usefixtures("clean_database")


def test_token_has_256_bits_and_the_readable_prefix(admin_key: str) -> None:
    assert admin_key.startswith("xp-")
    assert len(admin_key) == 46
    assert ApiKey.objects.get().prefix == admin_key[:9] + "…"


def test_the_key_is_nowhere_in_the_database(admin_key: str) -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for row in cursor.fetchall():
                assert admin_key[10:] not in repr(row)


def test_active_keys_are_found_by_digest(admin_key: str) -> None:
    records = {record.digest: record for record in api.active_keys()}
    record = records[api.key_digest(admin_key)]
    assert (record.owner_name, record.is_admin, record.expires) == ("admin", True, None)
    assert api.key_digest("xp-unknown") not in records


def test_the_local_operator_needs_no_row(hints: list[str]) -> None:
    record = api.find_key(secret("local"))
    assert record is not None
    assert (record.id, record.owner_id, record.is_admin) == (api.LOCAL_OPERATOR, None, True)
    assert record in api.active_keys()


def test_active_keys_cost_the_same_queries_however_many(
    admin_key: str, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    api.create_key("second")
    with django_assert_num_queries(4):  # type: ignore[operator]
        assert len(api.active_keys()) == 3


def test_expired_revoked_and_disabled_keys_open_nothing(admin_key: str) -> None:
    soon, record = api.create_key("short", expires=timezone.now() + timedelta(seconds=60))
    assert api.find_key(soon) == record
    assert record.expires == pytest.approx(time.time() + 60, abs=5)
    ApiKey.objects.filter(pk=record.id).update(expires=timezone.now())
    assert api.find_key(soon) is None

    gone, record = api.create_key("gone")
    api.revoke_key(record.id)
    assert api.find_key(gone) is None

    User.objects.update(is_active=False)
    assert api.find_key(admin_key) is None
    assert [key.id for key in api.active_keys()] == [api.LOCAL_OPERATOR]


def test_changes_are_told_after_the_commit(admin_key: str, hints: list[str]) -> None:
    with transaction.atomic():
        _, record = api.create_key("new")
        assert hints == []
    assert hints == ["keys"]
    api.revoke_key(record.id)
    assert hints == ["keys", "keys"]
    api.revoke_key(record.id)  # twice changes nothing
    assert hints == ["keys", "keys"]


def test_a_change_that_was_rolled_back_is_not_told(admin_key: str, hints: list[str]) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        api.create_key("new")
        raise RuntimeError
    assert hints == []


def test_mistakes_name_their_field(admin_key: str) -> None:
    with pytest.raises(MissingField) as missing:
        api.create_key("  ")
    assert missing.value.param == "name"
    with pytest.raises(InvalidValue) as past:
        api.create_key("x", expires=timezone.now() - timedelta(seconds=1))
    assert past.value.param == "expires"
    with pytest.raises(InvalidValue) as owner:
        api.create_key("x", owner_name="nobody")
    assert owner.value.param == "owner"
    with pytest.raises(NotFound):
        api.revoke_key("no-such-key")


def test_given_keys_show_little_of_themselves(admin_key: str) -> None:
    token, record = api.create_key("given", token="0123456789abcdef")
    assert token == "0123456789abcdef"
    assert api.key_info(record.id).prefix == "0123…"
    with pytest.raises(InvalidValue):
        api.create_key("again", token="0123456789abcdef")
    with pytest.raises(InvalidValue):
        api.create_key("odd", token="with space")


def test_digests_are_quick() -> None:
    api.key_digest("warm")
    started = time.perf_counter()
    for _ in range(1000):
        api.key_digest("xp-" + "a" * 43)
    assert (time.perf_counter() - started) / 1000 < 30e-6


def test_commands(admin_key: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_key", "from a command", days=1.0)
    printed = capsys.readouterr()
    token = printed.out.strip()
    assert api.find_key(token) is not None
    assert token not in printed.err
    call_command("revoke_key", token[:9])
    assert api.find_key(token) is None
    assert token not in capsys.readouterr().out


def test_first_admin_and_key_are_made_once(hints: list[str]) -> None:
    made = api.ensure_admin()
    assert made is not None
    name, password = made
    assert name == "admin"
    assert User.objects.get().check_password(password)
    assert api.ensure_admin() is None
    assert api.ensure_first_key("a-key-of-my-own-choice") == "a-key-of-my-own-choice"
    assert api.ensure_first_key("another") is None


def test_weak_password_from_the_settings_is_refused(hints: list[str]) -> None:
    with pytest.raises(InvalidValue, match="admin_password"):
        api.ensure_admin("12345")
    assert not User.objects.exists()
