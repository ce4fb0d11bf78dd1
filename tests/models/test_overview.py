"""``/api/overview``: what there is, and what somebody should look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.models import api
from apps.models.models import Demand, Launch, Node, Replica
from tests.models.conftest import sender
from tests.models.world import an_order
from tests.support.people import key_of
from xplatform import __version__
from xplatform.core.config import secret

__all__ = ["sender"]

GB = 10**9


def see(client: Client, token: str) -> Any:
    answer = client.get("/api/overview", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.content
    return answer.json()


def attention(found: Any) -> list[tuple[str, str, str]]:
    return [(one["code"], one["severity"], one["thing"]["name"]) for one in found["attention"]]


@pytest.fixture
def cluster(db: None, sender: Any) -> None:
    """Two launches of ours, one of theirs; a machine that is well, one with troubles, one gone."""
    cpu = {"id": "cpu", "kind": "cpu", "memory_total": 100 * GB, "memory_used": 50 * GB}
    gpu = {"id": "cuda:0", "kind": "cuda", "memory_total": 80 * GB, "memory_used": 79 * GB}
    failed = {"id": "d1", "name": "a/b", "state": "failed", "line": "404: no such\nrepository"}
    files = {
        "well": {"disk": {"free": 500 * GB, "total": 1000 * GB, "used": 30 * GB, "limit": None}},
        "poor": {
            "disk": {"free": 5 * GB, "total": 1000 * GB, "used": 900 * GB, "limit": None},
            "cached": [{"id": "c", "size": 7 * GB}],
            "downloads": [failed, {**failed, "id": "d2", "state": "running"}],
        },
        "gone": {"disk": {"free": 0, "total": GB, "used": 0, "limit": None}},
    }
    for name, some, version, state in (
        ("well", [cpu], __version__, "up"),
        ("poor", [cpu, gpu], "0.0.1", "up"),
        ("gone", [gpu], __version__, "silent"),
    ):
        Node.objects.create(
            name=name, devices={"devices": some}, files=files[name], version=version, state=state
        )
    for uid, project in (("good", "ours"), ("bad", "ours"), ("foreign", "theirs")):
        api.launch(an_order(uid, project=project, requested_by="x"))
    Replica.objects.filter(launch__model__uid="good").update(state="ready")
    for uid in ("bad", "foreign"):
        Replica.objects.filter(launch__model__uid=uid).update(state="failed")
        Launch.objects.filter(model__uid=uid).update(
            failed_at=timezone.now(), reason="no such file\nTraceback"
        )
    good = Launch.objects.get(model__uid="good")
    for web in ("w1", "w2"):
        Demand.objects.create(launch=good, web=web, running=2, waiting=1, oldest_seconds=3)


def test_all_of_it(client: Client, cluster: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(9):
        found = see(client, secret("local"))
    assert found["version"] == __version__
    assert found["launches"] == {"stopped": 0, "starting": 0, "ready": 1, "failed": 2}
    assert found["replicas"]["ready"] == 1
    assert found["queue"] == {"running": 4, "waiting": 2, "oldest_seconds": 3.0}
    nodes = found["nodes"]
    assert (nodes["up"], nodes["silent"]) == (2, 1)
    assert nodes["versions"] == {__version__: 1, "0.0.1": 1}
    assert found["devices"] == [
        {"kind": "cpu", "count": 2, "memory_total": 200 * GB, "memory_used": 100 * GB},
        {"kind": "cuda", "count": 1, "memory_total": 80 * GB, "memory_used": 79 * GB},
    ]
    assert [disk["node"] for disk in found["disks"]] == ["gone", "poor", "well"]
    assert found["files"]["bytes"] == 7 * GB
    assert found["files"]["downloads"]["failed"] == 1
    assert attention(found) == [
        ("launch_failed", "error", "bad"),
        ("launch_failed", "error", "foreign"),
        ("node_silent", "error", "gone"),
        ("device_full", "warning", "cuda:0"),
        ("disk_nearly_full", "warning", "poor"),
        ("download_failed", "warning", "d1"),
        ("node_version", "warning", "poor"),
    ]
    messages = [one["message"] for one in found["attention"]]
    assert messages[0] == "bad failed: no such file"
    assert "404: no such" in messages[5] and "repository" not in messages[5]
    reasons = [one["reason"] and one["reason"]["code"] for one in found["attention"]]
    assert reasons == [
        None, None, "machine_silent", "little_memory", "little_disk", "not_fetched",
        "other_version",
    ]  # fmt: skip
    assert found["attention"][4]["reason"]["params"]["node"] == "poor"


def test_everybody_sees_their_part(client: Client, cluster: None) -> None:
    developer = see(client, key_of("dev", "developer", "ours"))
    assert developer["launches"] == {"stopped": 0, "starting": 0, "ready": 1, "failed": 1}
    assert developer["queue"]["running"] == 4
    assert developer["nodes"]["up"] == 2 and developer["files"] is None
    codes = [code for code, _, _ in attention(developer)]
    assert "node_silent" in codes and "download_failed" not in codes
    assert "foreign" not in str(developer)

    viewer = see(client, key_of("view", "viewer", "theirs"))
    assert attention(viewer) == [("launch_failed", "error", "foreign")]
    assert (viewer["nodes"], viewer["devices"], viewer["disks"]) == (None, [], [])
    assert viewer["queue"] == {"running": 0, "waiting": 0, "oldest_seconds": 0.0}


def test_without_machines_and_with_what_waits_for_one(
    client: Client, db: None, sender: Any
) -> None:
    found = see(client, secret("local"))
    assert attention(found) == [("no_node", "error", "")]
    api.launch(an_order("patient"))
    Launch.objects.update(reason="no node is up")
    assert ("launch_waiting", "warning", "patient") in attention(see(client, secret("local")))
