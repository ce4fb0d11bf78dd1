"""Machines and join tokens in Django's admin."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.models.models import JoinToken, Node
from apps.models.nodes import actions
from apps.models.nodes.tokens import create_join_token
from tests.models.nodes.conftest import Broker
from tests.models.world import World
from tests.support.server import wait_for


@pytest.fixture
def admin(client: Any, world: World, users: Broker) -> Any:
    client.force_login(User.objects.create_superuser("root"))
    return client


def act(admin: Any, model: str, action: str, *pks: Any) -> None:
    body = {"action": action, "_selected_action": pks, "post": "yes"}
    assert admin.post(f"/admin/models/{model}/", body).status_code == 302


def test_cordon_drain_uncordon(admin: Any) -> None:
    node = Node.objects.get(name="n1")
    for action, marks in (
        ("cordon", (True, False)), ("drain", (True, True)), ("uncordon", (False, False)),
    ):  # fmt: skip
        act(admin, "node", action, node.pk)
        node.refresh_from_db()
        assert (node.cordoned, node.draining) == marks


def test_a_deleted_node_loses_its_access(admin: Any, world: World, users: Broker) -> None:
    world.nodes["n1"].lose_power()
    world.pass_time(14)
    node = Node.objects.get(name="n1")
    act(admin, "node", "delete_selected", node.pk)
    assert not Node.objects.filter(name="n1").exists()
    wait_for(lambda: users.withdrawn == ["n1"], "its access to be withdrawn")


def test_tokens_are_revoked_and_never_shown(admin: Any, users: Broker) -> None:
    token, info = create_join_token("t")
    actions.join(token, "w1")
    for page in ("/admin/models/jointoken/", f"/admin/models/jointoken/{info.id}/change/"):
        shown = admin.get(page)
        assert shown.status_code == 200
        assert token.encode() not in shown.content
    act(admin, "jointoken", "revoke", info.id)
    assert JoinToken.objects.get().revoked is not None
    wait_for(lambda: users.withdrawn == ["w1"], "its access to be withdrawn")
