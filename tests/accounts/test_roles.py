"""Who has which role where, and what follows from it."""

from __future__ import annotations

import ipaddress
from fnmatch import fnmatchcase
from itertools import pairwise

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts import api
from apps.accounts.actions import groups, projects, scoping
from apps.accounts.actor import NOWHERE
from apps.accounts.matrix.actions import ACTIONS, RISING, ROLES, actions_of
from apps.accounts.models import Membership, Project, User
from apps.accounts.records import UserRecord, credential
from apps.accounts.roles import user_record
from tests.support.people import person
from xplatform.core.errors import NotFound

#: how quick this machine is now says nothing about what is tested
_PATIENTLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_ROLE = st.sampled_from(["", *ROLES, "superuser"])
_NETWORKS = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "2001:db8::/32")]


class TestData:
    def test_each_role_may_what_the_one_below_may(self) -> None:
        for lower, higher in pairwise(RISING):
            assert actions_of(lower) <= actions_of(higher)

    def test_superusers_may_all(self) -> None:
        assert actions_of("superuser") == frozenset(ACTIONS)

    def test_a_viewer_uses_no_model_and_changes_nothing(self) -> None:
        may = actions_of("viewer")
        assert "models.use" not in may
        assert not {
            name for name in may if name.endswith((".write", ".manage")) and name != "self.write"
        }

    def test_nothing_of_the_machine_is_in_any_project_role(self) -> None:
        of_the_machine = {"launches.unsafe", "files.write", "nodes.write", "cluster.write"}
        assert not of_the_machine & actions_of("owner")


class TestScopes:
    @_PATIENTLY
    @given(
        role=_ROLE,
        scopes=st.none() | st.frozensets(st.sampled_from(sorted(ACTIONS))),
        project=st.sampled_from(["", "default"]),
    )
    def test_no_credential_may_more_than_its_role(
        self, role: str, scopes: frozenset[str] | None, project: str
    ) -> None:
        record = credential(
            id="k", digest=b"", name="k", owner_id=1, owner_name="u", expires=None, kind="key",
            project=project, role=role, actions=scopes,
        )  # fmt: skip
        actor = record.actor("")
        assert actor.actions <= actions_of(role)
        if scopes is not None:
            assert actor.actions <= scopes | {"self.read"}
            assert not actor.superuser

    @_PATIENTLY
    @given(
        by=st.sampled_from(ROLES),
        owner=st.sampled_from(ROLES),
        mine=st.none() | st.frozensets(st.sampled_from(sorted(ACTIONS))),
        wanted=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=4),
    )
    def test_whoever_makes_a_key_gives_it_no_more_than_they_have(
        self, by: str, owner: str, mine: frozenset[str] | None, wanted: list[str]
    ) -> None:
        maker = credential(
            id="k", digest=b"", name="k", owner_id=1, owner_name="u", expires=None, kind="key",
            project="default", role=by, actions=mine,
        ).actor("")  # fmt: skip
        try:
            given_to = scoping.actions(wanted, owner, maker, own=False)
        except Exception:
            return
        made = credential(
            id="n", digest=b"", name="n", owner_id=2, owner_name="o", expires=None, kind="key",
            project="default", role=owner, actions=frozenset(given_to) or None,
        )  # fmt: skip
        assert made.actions <= maker.actions | {"self.read"}

    @_PATIENTLY
    @given(
        wide=st.text("ab*?[]-", max_size=6),
        narrow=st.text("ab*?[]-", max_size=6),
        name=st.text("ab-", max_size=6),
    )
    def test_a_glob_that_is_covered_matches_nothing_else(
        self, wide: str, narrow: str, name: str
    ) -> None:
        if scoping.covers(wide, narrow) and fnmatchcase(name, narrow):
            assert fnmatchcase(name, wide)

    def test_models_by_glob(self) -> None:
        record = UserRecord(1, "u", False, {"default": "developer"}).record(models=("qwen*", "a"))
        actor = record.actor("")
        assert actor.may_use("qwen3") and actor.may_use("a")
        assert not actor.may_use("a2") and not actor.may_use("Qwen3")

    def test_a_viewer_may_use_no_model_whatever_the_globs_say(self) -> None:
        record = UserRecord(1, "u", False, {"default": "viewer"}).record(models=("*",))
        assert not record.actor("").may_use("qwen3")

    @pytest.mark.parametrize(
        ("address", "may"),
        [
            ("10.1.2.3", True),
            ("11.1.2.3", False),
            ("2001:db8::1", True),
            ("2001:db9::1", False),
            ("::ffff:10.1.2.3", True),
            ("::ffff:11.1.2.3", False),
            ("", False),
            ("unix:", False),
        ],
    )
    def test_networks(self, address: str, may: bool) -> None:
        record = UserRecord(1, "u", False, {}).record(networks=tuple(_NETWORKS))
        assert record.may_come_from(address) is may


class TestPlaces:
    def test_a_superuser_who_names_no_project_sees_all(self) -> None:
        record = UserRecord(1, "root", True, {})
        everywhere = record.record().actor()
        assert (everywhere.project, everywhere.sees("any")) == ("", True)
        within = record.record("a").actor()
        assert (within.sees("a"), within.sees("b"), within.superuser) == (True, False, True)

    def test_somebody_in_no_project_sees_none(self) -> None:
        actor = UserRecord(1, "u", False, {}).record().actor()
        assert actor.project == NOWHERE
        assert not actor.sees("default") and not actor.sees("")
        assert actor.actions == actions_of("anybody")

    def test_a_project_that_one_is_not_in_is_not_there(self) -> None:
        record = UserRecord(1, "u", False, {"a": "viewer", "b": "owner"})
        assert record.record().project == "a"
        assert record.record("b").role == "owner"
        with pytest.raises(NotFound) as error:
            record.record("c")
        assert error.value.message == "There is no project 'c'."

    def test_a_key_of_a_project_is_not_led_to_another(self) -> None:
        record = UserRecord(1, "u", False, {"a": "viewer"}).record("a", kind="key")
        with pytest.raises(NotFound):
            record.actor("", "b")


@pytest.mark.usefixtures("clean_database")
class TestResolution:
    def test_the_highest_of_own_and_groups_counts(self) -> None:
        dev = person("dev", "viewer", "a")
        person("dev", "developer", "b")
        group = Group.objects.create(name="team")
        for slug, role in (("a", "admin"), ("b", "viewer"), ("c", "viewer")):
            place, _ = Project.objects.get_or_create(slug=slug)
            Membership.objects.create(project=place, group=group, role=role)
        assert _roles(dev) == {"a": "viewer", "b": "developer"}
        groups.add_to_group("team", "dev")
        assert _roles(dev) == {"a": "admin", "b": "developer", "c": "viewer"}
        groups.delete_group("team")
        assert _roles(dev) == {"a": "viewer", "b": "developer"}

    def test_an_archived_project_gives_no_role(self) -> None:
        api.ensure_admin("correct horse battery")
        dev = person("dev", "owner", "a")
        token, _ = api.create_key("k", owner_name="dev")
        assert api.find_credential(token)
        projects.archive_project("a")
        assert _roles(dev) == {}
        assert api.find_credential(token) is None
        shown = api.keys()
        assert [key.state for key in shown] == ["project archived"]
        projects.restore_project("a")
        assert api.find_credential(token)

    def test_a_disabled_user_has_no_record(self) -> None:
        dev = person("dev")
        User.objects.update(is_active=False)
        assert user_record(dev.pk) is None

    def test_all_credentials_cost_the_same_queries_however_many(self) -> None:
        api.ensure_admin("correct horse battery")
        counts = []
        for number in range(5):
            person(f"dev{number}", "developer", f"p{number % 2}")
            api.create_key("k", owner_name=f"dev{number}")
            with CaptureQueriesContext(connection) as queries:
                found = api.credentials()
            counts.append(len(queries))
        assert len(set(counts)) == 1
        assert {record.project for record in found.keys} == {"", "p0", "p1"}
        assert len(found.users) == 6


def _roles(user: User) -> dict[str, str]:
    record = user_record(user.pk)
    assert record is not None
    return dict(record.roles)
