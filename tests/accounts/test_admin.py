"""Users and keys in Django's admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.accounts import api
from apps.accounts.models import ApiKey, Project, User
from tests.support.people import person

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest.fixture
def admin(client: Client, admin_key: str) -> Client:
    client.force_login(User.objects.get())
    return client


def test_a_new_key_is_shown_once(admin: Client, hints: list[str]) -> None:
    owner = User.objects.get()
    page = admin.post(
        "/admin/accounts/apikey/add/",
        {"name": "by hand", "owner": owner.pk, "expires_0": "", "expires_1": ""},
        follow=True,
    )
    token = re.search(r"xp-[\w-]{43}", page.content.decode())
    assert token is not None
    assert api.find_key(token[0]) is not None
    assert set(hints) == {"keys"}
    again = admin.get("/admin/accounts/apikey/")
    assert "by hand" in again.content.decode()
    assert token[0] not in again.content.decode()


def test_a_key_cannot_be_edited_and_shows_no_digest(admin: Client) -> None:
    key = ApiKey.objects.get()
    page = admin.get(f"/admin/accounts/apikey/{key.pk}/change/")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'name="name"' not in text
    assert "digest" not in text
    assert bytes(key.digest).hex() not in text


def test_revoke_action(admin: Client, admin_key: str, hints: list[str]) -> None:
    key = ApiKey.objects.get()
    admin.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert api.find_key(admin_key) is None
    assert set(hints) == {"keys"}


def test_a_disabled_user_is_told(admin: Client, hints: list[str]) -> None:
    user = User.objects.create_user("dev")
    admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="dev").exists()
    assert set(hints) == {"keys"}


def test_the_last_superuser_stays(admin: Client) -> None:
    user = User.objects.get()
    page = admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}, follow=True)
    assert "last superuser" in page.content.decode()
    form = {"username": "admin", "is_active": "on", "is_staff": "on"}
    page = admin.post(f"/admin/accounts/user/{user.pk}/change/", form, follow=True)
    assert "last superuser" in page.content.decode()
    user.refresh_from_db()
    assert user.is_superuser


def test_members_of_a_project(admin: Client, hints: list[str]) -> None:
    dev = person("dev", "owner", "lab")
    project = Project.objects.get(slug="lab")
    row = project.memberships.get()
    form = {
        "title": "The lab",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(row.pk),
        "memberships-0-project": str(project.pk),
        "memberships-0-user": str(dev.pk),
        "memberships-0-role": "viewer",
    }
    address = f"/admin/accounts/project/{project.pk}/change/"
    page = admin.post(address, form, follow=True)
    assert "last owner of lab" in page.content.decode()
    person("boss", "owner", "lab")
    hints.clear()
    admin.post(address, form)
    row.refresh_from_db()
    assert (row.role, set(hints)) == ("viewer", {"keys"})
    admin.post(
        "/admin/accounts/project/", {"action": "archive", "_selected_action": [str(project.pk)]}
    )
    project.refresh_from_db()
    assert project.archived is not None


@pytest.mark.parametrize("page", ["user", "project", "apikey"])
def test_what_gives_rights_is_for_superusers(client: Client, admin_key: str, page: str) -> None:
    """Not for staff, whichever of Django's own permissions they were given."""
    staff = person("staff", "owner", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    assert client.get(f"/admin/accounts/{page}/").status_code == 403
    assert client.get(f"/admin/accounts/{page}/add/").status_code == 403
    assert client.post(f"/admin/accounts/{page}/add/", {}).status_code == 403
