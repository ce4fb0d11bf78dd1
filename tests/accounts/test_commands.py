"""People, projects and keys by commands, on the server's own machine."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from apps.accounts import api
from apps.accounts.models import User
from apps.audit.models import Entry

pytestmark = pytest.mark.usefixtures("clean_database", "admin_key")


def test_from_nobody_to_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_project", "lab", title="The lab")
    call_command("create_user", "ada", project="lab", role="owner")
    password = capsys.readouterr().out.split()[-1]
    assert User.objects.get(username="ada").check_password(password)
    call_command(
        "create_key", "ci", "--owner", "ada", "--project", "lab", "--action", "models.use",
        "--model", "qwen*", "--network", "10.0.0.0/8", "--expires", "2100-01-01T00:00Z",
    )  # fmt: skip
    printed = capsys.readouterr()
    record = api.find_credential(printed.out.strip())
    assert record is not None
    assert (record.project, record.models, record.owner_name) == ("lab", ("qwen*",), "ada")
    assert record.actions == {"models.use", "self.read"}
    assert [str(network) for network in record.networks] == ["10.0.0.0/8"]
    assert record.expires == 4102444800
    assert Entry.objects.filter(action="key.create", who="local operator", project="lab").exists()
    call_command("revoke_key", owner="ada", project="lab")
    assert api.find_credential(printed.out.strip()) is None


def test_members(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_project", "lab")
    call_command("create_user", "ada", no_password=True)
    assert not User.objects.get(username="ada").has_usable_password()
    call_command("add_member", "lab", "ada", role="owner")
    record = api.user_record(User.objects.get(username="ada").pk)
    assert record is not None and record.roles == {"lab": "owner"}
    with pytest.raises(CommandError, match="last owner"):
        call_command("add_member", "lab", "ada", remove=True)


def test_mistakes_leave_nothing_behind() -> None:
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        call_command("create_user", "ada", project="nowhere")
    assert not User.objects.filter(username="ada").exists()
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("add_member", "default", "nobody")
    with pytest.raises(CommandError):
        call_command("create_project", "Not A Slug")
    with pytest.raises(CommandError, match="Name a key"):
        call_command("revoke_key")
    with pytest.raises(CommandError, match="no such key"):
        call_command("revoke_key", owner="nobody")
