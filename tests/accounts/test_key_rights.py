"""Whose keys one sees, makes, rotates and revokes, and what they are good for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import api
from apps.accounts.actions import keys as actions
from apps.accounts.models import ApiKey
from apps.audit.models import Entry
from tests.accounts.asked import Asking
from tests.support.people import key_of, person
from xplatform.core.errors import AddressNotAllowed

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest.fixture
def root(admin_key: str) -> Asking:
    return Asking(admin_key)


@pytest.fixture
def admin(root: Asking) -> Asking:
    return Asking(key_of("adm", "admin", "lab"))


@pytest.fixture
def dev(root: Asking) -> Asking:
    return Asking(key_of("dev", "developer", "lab"))


def _id(of: str) -> str:
    return str(ApiKey.objects.get(name=f"{of}'s").pk)


class TestSeeing:
    def test_own_ones_all_of_the_project_and_all(
        self, root: Asking, admin: Asking, dev: Asking
    ) -> None:
        key_of("far", "owner", "other")
        assert {key["owner"] for key in dev("GET", "keys")} == {"dev"}
        assert {key["owner"] for key in admin("GET", "keys")} == {"adm", "dev"}
        assert {key["owner"] for key in root("GET", "keys")} == {"admin", "adm", "dev", "far"}
        within = root("GET", "keys", **{"X-Project": "other"})
        assert {key["owner"] for key in within} == {"far"}

    def test_others_are_not_there(self, root: Asking, admin: Asking, dev: Asking) -> None:
        key_of("far", "owner", "other")
        unknown = dev("GET", "keys/nothing", status=404)["detail"]
        first = str(ApiKey.objects.get(project=None).pk)
        for asking, key in ((dev, _id("adm")), (dev, _id("far")), (admin, _id("far")),
                            (admin, first)):  # fmt: skip
            for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
                answer = asking(method, f"keys/{key}{path}", {}, 404)
                assert answer["detail"] == unknown.replace("nothing", key)

    def test_a_viewer_has_none(self, root: Asking) -> None:
        viewer = Asking(key_of("vi", "viewer", "lab"))
        assert "keys.own" in viewer("GET", "keys", status=403)["detail"]

    def test_listing_never_reveals(self, root: Asking, dev: Asking) -> None:
        text = str(root("GET", "keys")) + str(dev("GET", f"keys/{_id('dev')}"))
        assert dev.token not in text and dev.token[10:20] not in text


class TestMaking:
    def test_own_key(self, dev: Asking) -> None:
        made = dev(
            "POST",
            "keys",
            {"name": "ci", "actions": ["models.use"], "models": ["q*"], "networks": ["127.0.0.1"]},
            201,
        )
        assert (made["owner"], made["project"], made["state"]) == ("dev", "lab", "active")
        assert made["networks"] == ["127.0.0.1/32"]
        ci = Asking(made["key"])
        assert set(ci("GET", "me")["permissions"]) == {"models.use", "self.read"}
        refused = ci("POST", "keys", {"name": "more"}, 403)
        assert "keys.own" in refused["detail"]

    def test_for_others_by_admins_up_to_their_own_role(
        self, root: Asking, admin: Asking, dev: Asking
    ) -> None:
        key_of("boss", "owner", "lab")
        dev("POST", "keys", {"name": "x", "owner": "adm"}, 403)
        admin("POST", "keys", {"name": "x", "owner": "boss"}, 403)
        admin("POST", "keys", {"name": "x", "owner": "admin"}, 403)
        made = admin("POST", "keys", {"name": "x", "owner": "dev"}, 201)
        # It does not rise with its owner, who has never seen it.
        person("dev", "owner", "lab")
        assert "keys.manage" not in Asking(made["key"])("GET", "me")["permissions"]
        person("out", "developer", "other")
        assert (
            admin("POST", "keys", {"name": "x", "owner": "out"}, 400)["error"]["param"] == "owner"
        )

    def test_no_more_than_the_key_that_makes_it(self, root: Asking, dev: Asking) -> None:
        scoped, _ = api.create_key(
            "s",
            owner_name="dev",
            actions=["keys.own", "models.read"],
            models=["qwen*"],
            networks=["127.0.0.0/8"],
        )
        maker = Asking(scoped)
        for more in (
            {"actions": ["models.use"]},
            {"models": ["*"]},
            {"models": ["qw*"]},
            {"networks": ["0.0.0.0/0"]},
            {"networks": ["::1"]},
        ):
            maker("POST", "keys", {"name": "more", **more}, 403)
        same = maker("POST", "keys", {"name": "same", "models": ["qwen3*"]}, 201)
        assert set(same["actions"]) == {"keys.own", "models.read", "self.read"}
        assert (same["models"], same["networks"]) == (["qwen3*"], ["127.0.0.0/8"])
        # Nor by a new token of a key that has more.
        maker("POST", f"keys/{_id('dev')}/rotate", {}, 403)

    def test_a_scope_beyond_the_owner_is_a_mistake(self, dev: Asking) -> None:
        for beyond in (["users.manage"], ["keys.manage"], ["fly"]):
            error = dev("POST", "keys", {"name": "x", "actions": beyond}, 400)["error"]
            assert error["param"] == "actions"
        error = dev("POST", "keys", {"name": "x", "networks": ["1.2.3"]}, 400)["error"]
        assert error["param"] == "networks"
        dev("POST", "keys", {"name": "x", "project": "default"}, 404)

    def test_a_superusers_key_of_a_project_stays_in_it(self, root: Asking) -> None:
        key_of("far", "owner", "other")
        made = root("POST", "keys", {"name": "x", "project": "other"}, 201)
        inside = Asking(made["key"])
        me = inside("GET", "me")
        assert (me["role"], me["superuser"], me["project"]) == ("owner", False, "other")
        inside("GET", "users", status=403)
        inside("GET", "me", status=404, **{"X-Project": "default"})

    def test_a_scoped_key_of_a_superuser_does_only_that(self, root: Asking) -> None:
        made = root("POST", "keys", {"name": "x", "actions": ["nodes.read"]}, 201)
        scoped = Asking(made["key"])
        scoped("GET", "nodes")
        for path in ("users", "keys"):
            scoped("GET", path, status=403)
        assert scoped("GET", "projects") == []


class TestWhere:
    def test_from_elsewhere_its_owner_is_told_so(self, root: Asking) -> None:
        """In the words of /v1; whoever has only a part of it learns nothing."""
        token = key_of("dev", networks=["10.0.0.0/8"])
        unknown = Client().get("/api/me", headers={"Authorization": "Bearer xp-unknown"})
        part = Client().get("/api/me", headers={"Authorization": f"Bearer {token[:-1]}"})
        assert unknown.status_code == part.status_code == 401
        assert unknown.json() == part.json()
        outside = Client().get("/api/me", headers={"Authorization": f"Bearer {token}"})
        assert outside.status_code == 403
        told = outside.json()["error"]
        assert told["code"] == "address_not_allowed"
        assert told["message"] == AddressNotAllowed("127.0.0.1").message
        inside = Client().get(
            "/api/me", headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="10.1.2.3"
        )
        assert inside.status_code == 200

    def test_expired_says_expired(self, root: Asking) -> None:
        token = key_of("dev", expires=timezone.now() + timedelta(hours=1))
        ApiKey.objects.filter(project__isnull=False).update(expires=timezone.now())
        assert "expired" in Asking(token)("GET", "me", status=401)["detail"]


class TestRotating:
    def test_both_work_until_the_overlap_is_over(self, dev: Asking) -> None:
        old = _id("dev")
        made = dev("POST", f"keys/{old}/rotate", {"overlap_seconds": 3600}, 201)
        new = Asking(made["key"])
        assert new("GET", "me")["username"] == "dev"
        shown = dev("GET", f"keys/{old}")
        assert (shown["state"], shown["rotated_to"]) == ("rotated", made["id"])
        assert shown["valid_until"] is not None
        ApiKey.objects.filter(pk=old).update(valid_until=timezone.now())
        assert "expired" in dev("GET", "me", status=401)["detail"]
        new("GET", "me")
        assert new("GET", f"keys/{old}")["state"] == "expired"
        entry = Entry.objects.get(action="key.rotate")
        assert entry.thing_id == old
        assert made["key"] not in repr(list(Entry.objects.values()))

    def test_at_once(self, dev: Asking) -> None:
        made = dev("POST", f"keys/{_id('dev')}/rotate", {"overlap_seconds": 0}, 201)
        dev("GET", "me", status=401)
        Asking(made["key"])("GET", "me")

    def test_a_rotated_key_cannot_be_rotated_again(self, dev: Asking) -> None:
        old = _id("dev")
        dev("POST", f"keys/{old}/rotate", {}, 201)
        dev("POST", f"keys/{old}/rotate", {}, 409)
        dev("POST", f"keys/{old}/rotate", {"overlap_seconds": -1}, 400)

    def test_the_new_one_is_as_the_old_one_was(self, root: Asking) -> None:
        ends = timezone.now() + timedelta(days=10)
        token = key_of("dev", actions=["keys.own"], models=["q*"], expires=ends)
        made = Asking(token)("POST", f"keys/{_id('dev')}/rotate", {}, 201)
        assert (made["actions"], made["models"]) == (["keys.own"], ["q*"])
        key = ApiKey.objects.get(pk=made["id"])
        assert key.expires is not None
        assert abs(key.expires - key.created - timedelta(days=10)) < timedelta(minutes=1)

    def test_revoking_the_old_one_leaves_the_new_one(self, dev: Asking) -> None:
        old = _id("dev")
        made = dev("POST", f"keys/{old}/rotate", {}, 201)
        actions.revoke_key(old)
        dev("GET", "me", status=401)
        Asking(made["key"])("GET", "me")


class TestRevoking:
    def test_an_admin_revokes_whatever_is_in_the_project(self, root: Asking, admin: Asking) -> None:
        boss = Asking(key_of("boss", "owner", "lab"))
        admin("DELETE", f"keys/{_id('boss')}")
        boss("GET", "me", status=401)

    def test_every_change_is_in_the_audit(self, dev: Asking) -> None:
        made = dev("POST", "keys", {"name": "x"}, 201)
        dev("DELETE", f"keys/{made['id']}")
        entries = list(Entry.objects.filter(thing_id=made["id"]).order_by("pk"))
        assert [entry.action for entry in entries] == ["key.create", "key.revoke"]
        assert {(entry.who, entry.project) for entry in entries} == {("dev", "lab")}


def test_the_use_of_a_key_is_written_later_and_never_waited_for(dev: Asking) -> None:
    dev("GET", "me")
    assert ApiKey.objects.get(pk=_id("dev")).last_used is None
    api.used(api.noted())
    assert ApiKey.objects.get(pk=_id("dev")).last_used is not None
    assert not api.noted()


def test_the_key_counts_where_there_is_a_session_too(root: Asking, dev: Asking) -> None:
    dev.client.force_login(person("admin"))
    assert dev("GET", "me")["username"] == "dev"
