"""Joining, being known by a name, and leaving, as the control plane sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.models import api
from apps.models.control import observe
from apps.models.models import Event, JoinToken, Node, Replica
from apps.models.nodes import actions, tokens
from apps.models.nodes.tokens import create_join_token, join_tokens, revoke_join_token
from apps.models.states import ReplicaState
from tests.models.nodes.conftest import Broker
from tests.models.world import FakeSender, World, an_order
from tests.support.server import wait_for
from xplatform.core import errors
from xplatform.core.queues import TASK_LEAVE


def beat(node: str, instance: str = "", **more: Any) -> None:
    observe.heartbeat(
        {"node": node, "time": timezone.now().timestamp(), "instance": instance} | more
    )


def told_to_leave(sender: FakeSender) -> list[tuple[str, str]]:
    """(node, instance)"""
    found = sender.take(TASK_LEAVE)
    return [(m.queue.removeprefix("node."), m.args[0]) for m in found]


class TestTokens:
    def test_shown_once_and_stored_as_a_hash(self, world: World) -> None:
        token, info = create_join_token("rack 7", by="ann")
        assert token.startswith("xp-join-")
        assert len(token) > 40
        assert (info.name, info.state, info.created_by, info.nodes) == (
            "rack 7",
            "active",
            "ann",
            (),
        )
        row = JoinToken.objects.get()
        assert token not in str(vars(row))
        assert bytes(row.digest) not in token.encode()
        assert info.prefix == token[:12] + "…"
        assert join_tokens() == [info]

    def test_not_two_alike(self, world: World) -> None:
        assert create_join_token("a")[0] != create_join_token("a")[0]

    @pytest.mark.parametrize(
        ("name", "age", "field"), [("", 1, "name"), ("x" * 101, 1, "name"), ("x", -1, "expires")]
    )
    def test_bad_input(self, world: World, name: str, age: int, field: str) -> None:
        with pytest.raises(errors.InvalidRequest) as caught:
            create_join_token(name, expires=timezone.now() + timedelta(hours=age))
        assert caught.value.param == field

    def test_an_api_key_is_no_join_token(self, world: World, users: Broker) -> None:
        from apps.accounts import api as accounts

        accounts.ensure_admin()
        key, _ = accounts.create_key("k")
        token, _ = create_join_token("t")
        with pytest.raises(errors.NotAuthenticated):
            actions.join(key, "w1")
        assert accounts.find_key(token) is None

    def test_expired(self, world: World, users: Broker) -> None:
        token, info = create_join_token("t", expires=timezone.now() + timedelta(minutes=5))
        actions.join(token, "w1", instance="i1")
        world.clock.now += 301
        assert tokens.join_token(info.id).state == "expired"
        for name, instance in (("w2", "i2"), ("w2", "i1"), ("w1", "i2"), ("w1", "")):
            with pytest.raises(errors.NotAuthenticated, match="'t' is expired"):
                actions.join(token, name, instance=instance)
        # A machine that it let in may start again.
        actions.join(token, "w1", instance="i1")


class TestJoin:
    def test_gets_what_it_needs_and_is_not_up_before_it_beats(
        self, world: World, users: Broker
    ) -> None:
        token, info = create_join_token("t")
        got = actions.join(token, "w1", instance="i1", labels={"zone": "a"}, host="web.example")
        assert got.broker == "redis://node-w1:pw@web.example:6380/0"
        assert got.settings["drain_timeout"] == 8.0
        node = Node.objects.get(name="w1")
        assert (node.state, node.labels, node.join_token_id) == (
            "silent",
            {"zone": "a"},
            int(info.id),
        )
        assert tokens.join_token(info.id).nodes == ("w1",)
        assert tokens.join_token(info.id).last_used is not None
        beat("w1", "i1")
        node.refresh_from_db()
        assert node.state == "up"

    @pytest.mark.parametrize("name", ["", "a b", "x" * 65, "join", "ü"])
    def test_bad_names(self, world: World, users: Broker, name: str) -> None:
        token, _ = create_join_token("t")
        with pytest.raises(errors.InvalidValue) as caught:
            actions.join(token, name)
        assert caught.value.param == "name"
        assert users.granted == []

    def test_a_bad_label(self, world: World, users: Broker) -> None:
        token, _ = create_join_token("t")
        with pytest.raises(errors.InvalidValue, match="zone"):
            actions.join(token, "w1", labels={"zone": "a b"})

    def test_the_name_of_a_machine_that_lives(self, world: World, users: Broker) -> None:
        token, _ = create_join_token("t")
        actions.join(token, "w1", instance="i1")
        beat("w1", "i1", address="10.0.0.1")
        with pytest.raises(errors.Conflict, match=r"10\.0\.0\.1") as caught:
            actions.join(token, "w1", instance="i2")
        assert caught.value.status == 409
        assert users.granted == [("w1", "")]
        # The same machine may come back at once, another one when it has been silent for long.
        actions.join(token, "w1", instance="i1")
        world.clock.now += 13
        actions.join(token, "w1", instance="i2")
        assert Node.objects.get(name="w1").instance == "i2"

    def test_two_machines_of_one_name(
        self, world: World, users: Broker, sender: FakeSender
    ) -> None:
        """Without a join, as by ``xplatform node``: the first one stays, the second must go."""
        beat("n3", "i1", address="first")
        beat("n3", "i2", address="second")
        assert told_to_leave(sender) == []
        world.clock.now += 3
        beat("n3", "i1", address="first")
        for _ in range(3):
            beat("n3", "i2", address="second")
            assert told_to_leave(sender) == [("n3", "i2")]
        node = Node.objects.get(name="n3")
        assert (node.instance, node.address) == ("i1", "first")
        [event] = Event.objects.filter(node="n3", after="refused")
        assert "second" in event.why

    def test_a_machine_whose_home_was_made_anew(
        self, world: World, users: Broker, sender: FakeSender
    ) -> None:
        """As a container that is replaced by another: it waits until its former self is known to
        be gone, and is not sent away."""
        beat("n3", "i1", address="old")
        for _ in range(12):
            world.clock.now += 1
            beat("n3", "i2", address="new")
        assert Node.objects.get(name="n3").address == "new"
        # The same once more, soon after.
        for _ in range(13):
            world.clock.now += 1
            beat("n3", "i3", address="newer")
        assert Node.objects.get(name="n3").address == "newer"
        assert told_to_leave(sender) == []


class TestRevoke:
    def test_what_it_let_in_is_lost_at_once(
        self, world: World, users: Broker, sender: FakeSender
    ) -> None:
        token, info = create_join_token("t")
        actions.join(token, "n1", instance="")
        api.launch(an_order("m"))
        replica = Replica.objects.get()
        assert replica.node == "n1"
        sender.sent.clear()
        assert revoke_join_token(info.id, "ann").state == "revoked"
        assert told_to_leave(sender) == [("n1", "")]
        wait_for(lambda: users.withdrawn == ["n1"], "its access to be withdrawn")
        # Not when it has been silent for long: now.
        replica.refresh_from_db()
        assert replica.state == ReplicaState.LOST
        assert Replica.objects.exclude(pk=replica.pk).get().node == "n2"
        assert "revoked" in Event.objects.get(node="n1", after="silent").why

    def test_it_is_not_heard_any_more(
        self, world: World, users: Broker, sender: FakeSender
    ) -> None:
        token, info = create_join_token("t")
        actions.join(token, "w1", instance="i1")
        beat("w1", "i1")
        revoke_join_token(info.id)
        told_to_leave(sender)
        beat("w1", "i1")
        assert Node.objects.get(name="w1").state == "silent"
        assert told_to_leave(sender) == [("w1", "")]
        # Whoever should have cut it off is gone: it is done now.
        wait_for(lambda: users.withdrawn == ["w1"], "its access to be withdrawn")
        world.clock.now += 6
        beat("w1", "i1")
        assert users.withdrawn == ["w1", "w1"]
        with pytest.raises(errors.NotAuthenticated, match="'t' is revoked"):
            actions.join(token, "w1", instance="i1")
        # With another token it may come back.
        actions.join(create_join_token("new")[0], "w1", instance="i1")
        beat("w1", "i1")
        assert Node.objects.get(name="w1").state == "up"

    def test_twice(self, world: World, users: Broker, sender: FakeSender) -> None:
        _, info = create_join_token("t")
        first = revoke_join_token(info.id)
        assert revoke_join_token(info.id) == first

    @pytest.mark.parametrize("token_id", ["7", "x", "", "9" * 40])
    def test_unknown(self, world: World, token_id: str) -> None:
        with pytest.raises(errors.NotFound):
            revoke_join_token(token_id)


class TestOperators:
    def test_cordon_and_back(self, world: World) -> None:
        assert actions.cordon("n1", "ann").cordoned
        for number in range(3):
            api.launch(an_order(f"m{number}"))
        assert set(Replica.objects.values_list("node", flat=True)) == {"n2"}
        assert not actions.uncordon("n1", "ann").cordoned
        api.launch(an_order("m3"))
        assert Replica.objects.get(launch__model__uid="m3").node == "n1"
        assert [e.after for e in Event.objects.filter(node="n1", who="ann").order_by("id")] == [
            "cordoned", "uncordoned",
        ]  # fmt: skip

    def test_cordon_twice_says_it_once(self, world: World) -> None:
        actions.cordon("n1", "ann")
        actions.cordon("n1", "bob")
        assert Event.objects.filter(after="cordoned").count() == 1

    def test_drain_moves_replicas_and_leaves_none(self, world: World) -> None:
        actions.cordon("n2")
        api.launch(an_order("m"))
        world.settle(5)
        assert Replica.objects.get(state=ReplicaState.READY).node == "n1"
        actions.uncordon("n2")
        info = actions.drain("n1", "ann")
        assert (info.cordoned, info.draining) == (True, True)
        world.settle(30)
        ready = Replica.objects.get(state=ReplicaState.READY)
        assert ready.node == "n2"
        assert actions.node_info("n1").replicas == 0

    def test_labels_of_the_operator_hold_against_the_machines(self, world: World) -> None:
        beat("n1", labels={"zone": "a", "gpu": "old"})
        world.clock.now += 5
        beat("n1", labels={"zone": "a", "gpu": "old"})
        assert actions.node_info("n1").labels == {"zone": "a", "gpu": "old"}
        info = actions.set_labels("n1", {"gpu": None, "rack": "7"}, "ann")
        assert info.labels == {"zone": "a", "rack": "7"}
        world.clock.now += 5
        beat("n1", labels={"zone": "b", "gpu": "old"})
        assert actions.node_info("n1").labels == {"zone": "b", "rack": "7"}

    @pytest.mark.parametrize("labels", [{"a b": "c"}, {"a": "b,c=d"}, {"": "x"}, {"a": "b=c"}])
    def test_bad_labels(self, world: World, labels: dict[str, str | None]) -> None:
        with pytest.raises(errors.InvalidValue):
            actions.set_labels("n1", labels)

    def test_remove(self, world: World, users: Broker, sender: FakeSender) -> None:
        api.launch(an_order("m"))
        [name] = Replica.objects.values_list("node", flat=True)
        with pytest.raises(errors.Conflict, match="1 replica"):
            actions.remove(name)
        other = "n2" if name == "n1" else "n1"
        sender.sent.clear()
        actions.remove(other, "ann")
        assert told_to_leave(sender) == [(other, "")]
        wait_for(lambda: users.withdrawn == [other], "its access to be withdrawn")
        # What it still says does not bring it back; when it comes anew it may.
        beat(other)
        assert not Node.objects.filter(name=other).exists()
        world.clock.now += 31
        beat(other)
        assert Node.objects.filter(name=other).exists()

    def test_remove_a_silent_one_with_replicas(self, world: World, users: Broker) -> None:
        api.launch(an_order("m"))
        [name] = Replica.objects.values_list("node", flat=True)
        world.nodes[name].lose_power()
        world.pass_time(14)
        actions.remove(name)
        assert not Node.objects.filter(name=name).exists()

    @pytest.mark.parametrize(
        "what", [actions.cordon, actions.drain, actions.uncordon, actions.remove]
    )
    def test_unknown_node(self, world: World, what: Any) -> None:
        with pytest.raises(errors.NotFound, match="'n9'"):
            what("n9")


def test_what_heartbeats_bring(world: World) -> None:
    world.clock.now += 5
    beat("n1", "i1", engines={"fake": "1"}, files={"disk": {"free": 5}}, version="9")
    info = actions.node_info("n1")
    assert (info.engines, info.files, info.version) == ({"fake": "1"}, {"disk": {"free": 5}}, "9")
    # News of files are written at once, and "nothing new" does not wipe them out.
    beat("n1", "i1", files={"disk": {"free": 4}})
    beat("n1", "i1")
    assert actions.node_info("n1").files == {"disk": {"free": 4}}
