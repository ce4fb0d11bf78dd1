"""Which event is told when, on a clock that a test sets, to an address that is really called."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Project
from apps.models.models import Event
from apps.webhooks import actions, delivery
from apps.webhooks.models import Webhook
from tests.models.events.conftest import own_settled
from tests.support.people import key_of
from tests.webhooks.conftest import Receiver
from xplatform.core.config import Settings, secret

__all__ = ["own_settled"]

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


class Clock:
    now = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(delivery.timezone, "now", lambda: made.now)
    return made


@pytest.fixture
def http(
    clean_database: None, client: Client, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> Any:
    made = Settings(fetch_allow="127.0.0.1", fetch_timeout=20.0)
    for module in (actions, delivery):
        monkeypatch.setattr(module, "settings", lambda: made)

    def send(method: str, path: str = "", body: Any = None, token: str = "", **headers: str) -> Any:
        headers |= {"authorization": f"Bearer {token or secret('local')}"}
        return client.generic(
            method,
            f"/api/webhooks{path}",
            json.dumps(body) if body is not None else b"",
            content_type="application/json",
            headers=headers,
        )

    return send


def happened(uid: str, after: str, subject: str = "launch", project: str = "ours") -> str:
    made = Event.objects.create(
        who="control", uid=uid, project=project, subject=subject, after=after, why="so"
    )
    return f"evt_{made.pk}"


def made(http: Any, url: str, **values: Any) -> Any:
    answer = http("POST", "", {"name": "hook", "url": url, **values})
    assert answer.status_code == 201, answer.content
    return answer.json()


def row(hook: Any) -> Webhook:
    return Webhook.objects.get(pk=hook["id"])


def test_signed_in_order_and_only_what_was_asked_for(http: Any, receiver: Receiver) -> None:
    happened("before", "failed")
    hook = made(http, receiver.url, kinds=["launch.failed", "replica.*"])
    first = happened("m", "failed")
    happened("m", "ready")
    second = happened("m", "ready", "replica 3", "theirs")
    happened("", "silent", "node n1", "")
    delivery.deliver(hook["id"])
    assert receiver.ids == [first, second]

    headers, body = receiver.got[0]
    signed = f"{first}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    assert len(key) == 32
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert int(headers["webhook-timestamp"]) == int(NOW.timestamp())
    said = json.loads(body)
    assert said["type"] == "launch.failed" and said["timestamp"].endswith("Z")
    assert (said["data"]["uid"], said["data"]["why"]) == ("m", "so")

    # Again: there is nothing more to tell.
    delivery.deliver(hook["id"])
    seen = http("GET", f"/{hook['id']}").json()
    assert len(receiver.got) == 2
    assert (seen["state"], seen["delivered"], seen["last_status"]) == ("up_to_date", 2, 204)
    assert "secret" not in seen


def test_what_is_refused_comes_again_and_holds_up_the_rest(
    http: Any, receiver: Receiver, clock: Clock
) -> None:
    hook = made(http, receiver.url)
    first, second = happened("m", "failed"), happened("m", "ready")
    receiver.answers = [500, 503]
    delivery.deliver(hook["id"])
    assert receiver.ids == [first]
    seen = http("GET", f"/{hook['id']}").json()
    assert (seen["state"], seen["attempts"], seen["last_error"]) == (
        "waiting", 1, "It answered 500."
    )  # fmt: skip
    assert row(hook).next_at == NOW + timedelta(seconds=delivery.PAUSES[0])
    clock.now += timedelta(seconds=5)
    delivery.deliver(hook["id"])
    assert row(hook).next_at == clock.now + timedelta(seconds=delivery.PAUSES[1])
    delivery.deliver(hook["id"])
    assert receiver.ids == [first, first, first, second]
    assert (row(hook).attempts, row(hook).delivered) == (0, 2)


def test_after_a_day_one_is_given_up_and_after_a_goodbye_all(http: Any, receiver: Receiver) -> None:
    hook = made(http, receiver.url)
    first, second = happened("m", "failed"), happened("m", "ready")
    receiver.answers = [500] * (len(delivery.PAUSES) + 1)
    for _ in range(len(delivery.PAUSES) + 1):
        delivery.deliver(hook["id"])
    assert receiver.ids == [first] * (len(delivery.PAUSES) + 1) + [second]
    assert (row(hook).given_up, row(hook).delivered) == (1, 1)
    assert sum(delivery.PAUSES) > 23 * 3600

    receiver.answers = [410]
    happened("m", "stopped")
    delivery.deliver(hook["id"])
    assert not row(hook).active
    happened("m", "failed")
    delivery.deliver(hook["id"])
    told = len(receiver.got)
    # Whoever wants it again is not told what was missed.
    assert http("PATCH", f"/{hook['id']}", {"active": True}).status_code == 200
    later = happened("m", "ready")
    delivery.deliver(hook["id"])
    assert receiver.ids[told:] == [later]


def test_an_address_that_nobody_may_reach(http: Any, receiver: Receiver) -> None:
    hook = made(http, "http://169.254.169.254/latest")
    happened("m", "failed")
    delivery.deliver(hook["id"])
    assert "fetch_allow" in row(hook).last_error and row(hook).last_status is None
    for url in ("ftp://x/", "http://user:pw@x/", "x"):
        answer = http("POST", "", {"name": "x", "url": url})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "url")
    answer = http("PATCH", f"/{hook['id']}", {"kinds": ["everything"]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "kinds")


def test_a_test_is_sent_at_once_and_a_new_secret_signs(http: Any, receiver: Receiver) -> None:
    hook = made(http, receiver.url, active=False)
    receiver.answers = [418]
    seen = http("POST", f"/{hook['id']}/test").json()
    assert (seen["last_status"], seen["last_error"]) == (418, "It answered 418.")
    assert json.loads(receiver.got[0][1])["type"] == "test"
    fresh = http("POST", f"/{hook['id']}/secret").json()["secret"]
    assert fresh != hook["secret"] and row(hook).secret == fresh
    assert fresh not in str(Webhook.objects.values_list("secret", flat=True))
    assert http("DELETE", f"/{hook['id']}").status_code == 204
    assert http("GET", f"/{hook['id']}").status_code == 404


def test_of_ones_own_project_and_silent_with_it(http: Any, receiver: Receiver) -> None:
    ours, theirs = key_of("a", "admin", "ours"), key_of("b", "admin", "theirs")
    answer = http("POST", "", {"name": "hook", "url": receiver.url}, ours)
    hook = answer.json()
    assert hook["project"] == "ours"
    everything = made(http, receiver.url)
    assert everything["project"] == ""
    assert [one["id"] for one in http("GET", token=ours).json()] == [hook["id"]]
    assert http("GET", token=theirs).json() == []
    assert http("GET", f"/{hook['id']}", token=theirs).status_code == 404
    assert http("GET", f"/{everything['id']}", token=ours).status_code == 404
    assert len(http("GET").json()) == 2

    mine = happened("m", "failed")
    happened("x", "failed", project="theirs")
    delivery.deliver(hook["id"])
    assert receiver.ids == [mine]
    things = Project.objects.filter(slug="ours")
    from apps.accounts.actions.projects import archive_project, restore_project

    archive_project(things.get().slug)
    assert not row(hook).active and row(everything).active

    path = f"/{hook['id']}"
    woken = http("PATCH", path, {"active": True})
    assert woken.status_code == 409 and not row(hook).active
    assert "projects/ours/restore" in woken.json()["error"]["message"]
    new = {"name": "another", "url": receiver.url}
    assert http("POST", "", new, **{"X-Project": "ours"}).status_code == 409
    assert Webhook.objects.filter(project="ours").count() == 1
    # What wakes nothing may be changed.
    assert http("PATCH", path, {"active": False, "name": "old"}).status_code == 200
    restore_project("ours")
    assert http("PATCH", path, {"active": True}).json()["active"]


def postman_of(monkeypatch: pytest.MonkeyPatch) -> tuple[delivery.Postman, list[str]]:
    """One that only notes whom it would see to."""
    postman, seen = delivery.Postman(), []
    monkeypatch.setattr(postman, "_threads", type("Now", (), {
        "submit": lambda self, work, pk: (seen.append(str(pk)), postman._busy.discard(pk)),
    })())  # fmt: skip
    return postman, seen


def test_the_postman_wakes_for_what_is_due(
    http: Any, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    postman, seen = postman_of(monkeypatch)
    hook = made(http, receiver.url)
    postman.look()
    assert seen == []
    happened("m", "failed")
    postman.look()
    postman.look()
    assert seen == [hook["id"]] * 2
    receiver.answers = [500]
    delivery.deliver(hook["id"])
    postman.look()
    assert len(seen) == 2
    clock.now += timedelta(seconds=6)
    postman.look()
    assert len(seen) == 3


def test_the_postman_sees_whom_somebody_woke_meanwhile(
    http: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    postman, seen = postman_of(monkeypatch)
    hook = made(http, receiver.url, active=False)
    wake = f"/{hook['id']}", {"active": True}
    # It is being woken, and has read how far the history is; …
    before = actions.last_event()
    monkeypatch.setattr(actions, "last_event", lambda: before)
    # … then something happens, and the postman finds nobody who waits for it.
    id = happened("m", "failed")
    postman.look()
    assert seen == []
    assert http("PATCH", *wake).json()["active"]
    postman.look()
    assert seen == [hook["id"]]
    delivery.deliver(hook["id"])
    assert receiver.ids == [id]
    postman.look()
    assert seen == [hook["id"]]
