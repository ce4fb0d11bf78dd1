"""Users, groups, projects and members over REST."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import farewells
from apps.accounts.models import User
from apps.audit.models import Entry
from tests.accounts.asked import Asking
from tests.support.people import key_of, person

pytestmark = pytest.mark.usefixtures("clean_database")

PASSWORD = "a-long-enough-pass-1"


@pytest.fixture
def root(admin_key: str) -> Asking:
    return Asking(admin_key)


class TestMe:
    def test_a_superuser(self, root: Asking) -> None:
        me = root("GET", "me")
        assert (me["username"], me["superuser"], me["project"]) == ("admin", True, "")
        assert "users.manage" in me["permissions"]
        assert [project["slug"] for project in me["projects"]] == ["default"]

    def test_a_key_of_one_project(self, root: Asking) -> None:
        dev = Asking(key_of("dev", "viewer", "a", models=["q*"]))
        person("dev", "owner", "b")
        me = dev("GET", "me")
        assert (me["project"], me["role"], me["models"]) == ("a", "viewer", ["q*"])
        assert [project["slug"] for project in me["projects"]] == ["a"]
        assert "launches.write" not in me["permissions"]

    def test_a_session_chooses_its_project(self, root: Asking) -> None:
        dev = person("dev", "viewer", "a")
        person("dev", "owner", "b")
        client = root.client
        client.force_login(dev)
        assert client.get("/api/me").json()["project"] == "a"
        chosen = client.get("/api/me", headers={"X-Project": "b"}).json()
        assert (chosen["project"], chosen["role"]) == ("b", "owner")
        assert len(chosen["projects"]) == 2
        assert client.get("/api/me?project=b").json()["role"] == "owner"
        lost = client.get("/api/me", headers={"X-Project": "default"})
        assert lost.status_code == 404
        # A project's own path says which one is meant.
        assert client.get("/api/projects/b").json()["role"] == "owner"

    def test_somebody_in_no_project(self, root: Asking) -> None:
        client = root.client
        client.force_login(person("new", ""))
        me = client.get("/api/me").json()
        assert (me["project"], me["role"], me["projects"]) == ("-", "", [])
        refused = client.get("/api/keys")
        assert refused.status_code == 403
        assert "keys.own" in refused.json()["detail"]


class TestUsers:
    def test_life(self, root: Asking) -> None:
        given = {"username": "ada", "password": PASSWORD, "email": "ada@example.org"}
        made = root("POST", "users", given, 201)
        assert made["has_password"] and made["is_active"] and not made["is_superuser"]
        assert PASSWORD not in str(made)
        user = User.objects.get(username="ada")
        assert user.check_password(PASSWORD)

        assert not user.must_change_password
        once = {"username": "bob", "password": PASSWORD, "must_change_password": True}
        assert "must_change_password" not in root("POST", "users", once, 201)
        assert User.objects.get(username="bob").must_change_password

        key = Asking(key_of("ada"))
        key("GET", "me")
        changed = root("PATCH", "users/ada", {"is_active": False})
        assert not changed["is_active"] and changed["email"] == "ada@example.org"
        key("GET", "me", status=401)
        root("PATCH", "users/ada", {"is_active": True})
        key("GET", "me")

        root("PUT", "users/ada/password", {"password": "another-pass-2-long"}, 204)
        user.refresh_from_db()
        assert user.check_password("another-pass-2-long")
        root("PUT", "users/ada/password", {"password": None}, 204)
        assert not root("GET", "users/ada")["has_password"]

        root("DELETE", "users/ada", status=204)
        root("GET", "users/ada", status=404)
        key("GET", "me", status=401)
        told = Entry.objects.filter(thing="user").values_list("action", flat=True)
        assert set(told) >= {"user.create", "user.change", "user.set_password", "user.delete"}
        assert PASSWORD not in repr(list(Entry.objects.values()))

    def test_what_belonged_to_them_goes_with_them(
        self, root: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone: list[str] = []
        monkeypatch.setattr(farewells, "_USERS", [gone.append])
        person("ada")
        root("DELETE", "users/ada", status=204)
        assert gone == ["ada"]

    @pytest.mark.parametrize(
        ("body", "param", "status"),
        [
            ({}, "username", 400),
            ({"username": "a b"}, "username", 400),
            ({"username": "ADMIN"}, "username", 409),
            ({"username": "x", "password": "12345"}, "password", 400),
            ({"username": "x", "email": "nowhere"}, "email", 400),
        ],
    )
    def test_mistakes(self, root: Asking, body: Any, param: str, status: int) -> None:
        error = root("POST", "users", body, status)["error"]
        assert error["param"] == param
        assert User.objects.count() == 1

    def test_the_last_superuser_stays(self, root: Asking) -> None:
        for body in ({"is_active": False}, {"is_superuser": False}):
            root("PATCH", "users/admin", body, 409)
        root("DELETE", "users/admin", status=409)
        root("POST", "users", {"username": "eve", "is_superuser": True}, 201)
        root("PATCH", "users/admin", {"is_superuser": False})
        # What the key may follows its owner at once.
        root("GET", "users", status=401)

    def test_a_key_that_only_manages_users_makes_no_superuser(self, root: Asking) -> None:
        made = root("POST", "keys", {"name": "hr", "actions": ["users.manage"]}, 201)
        hr = Asking(made["key"])
        hr("POST", "users", {"username": "ada"}, 201)
        hr("POST", "users", {"username": "eve", "is_superuser": True}, 403)
        hr("PATCH", "users/ada", {"is_superuser": True}, 403)
        hr("PATCH", "users/admin", {"email": "hr@example.org"}, 403)
        hr("PUT", "users/admin/password", {"password": PASSWORD}, 403)
        hr("DELETE", "users/admin", status=403)
        hr("DELETE", "users/ada", status=204)

    def test_they_are_for_superusers(self, root: Asking) -> None:
        owner = Asking(key_of("boss", "owner"))
        for method, path in (("GET", "users"), ("POST", "users"), ("DELETE", "users/admin"),
                             ("GET", "groups"), ("POST", "projects")):  # fmt: skip
            error = owner(method, path, {}, 403)["error"]
            assert "users.manage" in error["message"] or "projects.create" in error["message"]


class TestGroups:
    def test_life(self, root: Asking) -> None:
        person("ada", "")
        root("POST", "groups", {"name": "the team"}, 201)
        root("POST", "groups", {"name": "the team"}, 409)
        assert root("PUT", "groups/the team/members/ada")["members"] == ["ada"]
        root("PUT", "projects/default/members/groups/the team", {"role": "admin"})
        assert root("GET", "users/ada")["roles"] == {"default": "admin"}
        assert root("GET", "groups")[0]["roles"] == {"default": "admin"}
        assert root("DELETE", "groups/the team/members/ada")["members"] == []
        assert root("GET", "users/ada")["roles"] == {}
        root("DELETE", "groups/the team", status=204)
        root("GET", "groups/the team", status=404)
        root("PUT", "groups/the team/members/ada", status=404)


class TestProjects:
    def test_life(self, root: Asking) -> None:
        person("ada", "")
        made = root("POST", "projects", {"slug": "lab", "title": "The lab", "owner": "ada"}, 201)
        assert (made["slug"], made["title"], made["archived"]) == ("lab", "The lab", None)
        root("POST", "projects", {"slug": "lab"}, 409)
        ada = Asking(key_of("ada", "owner", "lab"))
        assert ada("PATCH", "projects/lab", {"title": "Our lab"})["title"] == "Our lab"
        assert ada("GET", "projects")[0]["role"] == "owner"
        assert [member["name"] for member in ada("GET", "projects/lab/members")] == ["ada"]
        ada("POST", "projects/lab/archive")
        ada("GET", "projects/lab", status=401)
        assert root("GET", "projects/lab")["archived"]
        root("PUT", "projects/lab/members/users/ada", {"role": "viewer"}, 409)
        root("POST", "projects/lab/restore")
        assert ada("GET", "projects/lab")["archived"] is None

    @pytest.mark.parametrize("slug", ["", "A", "a b", "-", "-a", "a-", "ä", "a" * 51, "a/b"])
    def test_bad_names(self, root: Asking, slug: str) -> None:
        root("POST", "projects", {"slug": slug}, 400)

    def test_the_default_one_stays(self, root: Asking) -> None:
        root("POST", "projects/default/archive", status=409)

    def test_others_are_not_there(self, root: Asking) -> None:
        key_of("bob", "owner", "other")
        ada = Asking(key_of("ada", "owner", "lab"))
        unknown = ada("GET", "projects/nothing", status=404)
        for method, path in (
            ("GET", "projects/other"),
            ("PATCH", "projects/other"),
            ("POST", "projects/other/archive"),
            ("GET", "projects/other/members"),
            ("PUT", "projects/other/members/users/ada"),
        ):
            error = ada(method, path, {}, 404)
            assert error["detail"] == unknown["detail"].replace("nothing", "other")

    def test_nobody_gives_more_than_they_have(self, root: Asking) -> None:
        person("ada", "")
        key_of("boss", "owner", "lab")
        admin = Asking(key_of("adm", "admin", "lab"))
        developer = Asking(key_of("dev", "developer", "lab"))
        admin("PUT", "projects/lab/members/users/ada", {"role": "owner"}, 403)
        admin("PUT", "projects/lab/members/users/boss", {"role": "viewer"}, 403)
        admin("DELETE", "projects/lab/members/users/boss", status=403)
        admin("PATCH", "projects/lab", {"title": "Mine"}, 403)
        admin("POST", "projects/lab/archive", status=403)
        assert admin("PUT", "projects/lab/members/users/ada", {"role": "admin"})["role"] == "admin"
        error = developer("PUT", "projects/lab/members/users/ada", {"role": "viewer"}, 403)
        assert "project.manage" in error["detail"]

    def test_the_last_owner_stays(self, root: Asking) -> None:
        boss = Asking(key_of("boss", "owner", "lab"))
        boss("DELETE", "projects/lab/members/users/boss", status=409)
        boss("PUT", "projects/lab/members/users/boss", {"role": "admin"}, 409)
        root("PATCH", "users/boss", {"is_active": False}, 409)
        assert "lab" in root("DELETE", "users/boss", status=409)["detail"]
        # A group of which somebody may log in will do.
        person("ada", "")
        root("POST", "groups", {"name": "g"}, 201)
        root("PUT", "projects/lab/members/groups/g", {"role": "owner"})
        root("DELETE", "users/boss", status=409)
        root("PUT", "groups/g/members/ada")
        root("DELETE", "users/boss", status=204)
        root("DELETE", "groups/g/members/ada", status=409)
        root("DELETE", "groups/g", status=409)

    def test_whoever_leaves_takes_no_key_along(self, root: Asking) -> None:
        key_of("boss", "owner", "lab")
        dev = Asking(key_of("dev", "developer", "lab"))
        dev("GET", "me")
        root("DELETE", "projects/lab/members/users/dev", status=204)
        dev("GET", "me", status=401)
        assert "owner left" in {key["state"] for key in root("GET", "keys")}
        root("DELETE", "projects/lab/members/users/dev", status=404)
        root("DELETE", "projects/lab/members/robots/x", status=404)
