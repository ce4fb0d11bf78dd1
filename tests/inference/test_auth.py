"""Callers from memory: who is let in, what they see, and what it asks of the database."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from apps.accounts import api as accounts
from apps.accounts.api import Credentials, KeyRecord
from apps.accounts.records import UserRecord, credential
from apps.inference.gateway.auth import Callers
from apps.inference.gateway.catalog import Catalog, names
from apps.inference.gateway.http import Exchange
from apps.inference.gateway.kept import Kept
from apps.inference.gateway.revoking import end_refused
from apps.models.api import ServedModel
from xplatform.core import errors

TOKEN = "xp-" + "a" * 43


def record(token: str = TOKEN, **values: Any) -> KeyRecord:
    given: dict[str, Any] = {
        "id": f"id of {token}",
        "digest": accounts.key_digest(token),
        "name": "k",
        "owner_id": 7,
        "owner_name": "ann",
        "expires": None,
        "kind": "key",
        "project": "blue",
        "role": "developer",
    }
    return credential(**(given | values))


def exchange(
    authorization: str | None = f"Bearer {TOKEN}",
    address: str = "192.0.2.1",
    query: bytes = b"",
    **headers: str,
) -> Exchange:
    given = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
    if authorization is not None:
        given.append((b"authorization", authorization.encode()))

    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    async def make() -> Exchange:
        scope = {
            "method": "POST", "path": "/v1/chat/completions", "headers": given,
            "client": (address, 1), "query_string": query,
        }  # fmt: skip
        return Exchange(scope, nothing, nothing, 60.0)

    return asyncio.run(make())


def callers(*keys: KeyRecord, tokens: tuple[KeyRecord, ...] = ()) -> Callers:
    made = Callers()
    made.take(Credentials(keys, {}, tokens), time.monotonic())
    return made


def test_a_key_is_its_owner_in_its_project() -> None:
    known = callers(record()).check(exchange())
    assert known.record.id == f"id of {TOKEN}"
    assert (known.actor.name, known.actor.project) == ("ann", "blue")
    assert (known.actor.address, known.actor.may("models.use")) == ("192.0.2.1", True)


def test_an_oauth_token_is_found_by_its_sha256() -> None:
    digest = hashlib.sha256(b"some-token").digest()
    found = callers(tokens=(record("t", digest=digest, kind="oauth"),)).check(
        exchange("Bearer some-token")
    )
    assert found.record.kind == "oauth"


@pytest.mark.parametrize("authorization", [None, "Basic eDp5", TOKEN])
def test_without_a_credential_there_is_a_challenge_and_no_error(authorization: str | None) -> None:
    with pytest.raises(errors.NotAuthenticated) as refused:
        callers(record()).check(exchange(authorization))
    challenge = errors.headers(refused.value)["WWW-Authenticate"]
    assert challenge == 'Bearer realm="xplatform"'


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "bearer a b", "Bearer ü"])
def test_a_header_that_is_none_is_a_wrong_request(authorization: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        callers(record()).check(exchange(authorization))


def test_it_has_expired_is_told_to_whoever_has_it() -> None:
    made = callers(record(expires=time.time() - 1))
    with pytest.raises(errors.KeyExpired):
        made.check(exchange())
    with pytest.raises(errors.NotAuthenticated) as refused:
        made.check(exchange(f"Bearer {TOKEN}x"))
    assert refused.value.code == "invalid_api_key"


def test_a_known_key_expires_between_two_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    made = callers(record(expires=now + 100))
    made.check(exchange())
    monkeypatch.setattr(time, "time", lambda: now + 101)
    with pytest.raises(errors.KeyExpired):
        made.check(exchange())


def test_networks() -> None:
    made = callers(record(networks=(ip_network("10.0.0.0/8"),)))
    assert made.check(exchange(address="10.9.9.9")).actor.address == "10.9.9.9"
    assert made.check(exchange(address="::ffff:10.9.9.9"))
    for address in ("192.0.2.1", "", "::1"):
        with pytest.raises(errors.AddressNotAllowed):
            made.check(exchange(address=address))


def test_who_sees_all_projects_may_name_one() -> None:
    made = callers(record(project="", role="superuser"))
    assert made.check(exchange()).actor.project == ""
    assert made.check(exchange(x_project="green")).actor.project == "green"
    assert made.check(exchange(query=b"a=b&project=red")).actor.project == "red"
    with pytest.raises(errors.NotFound):
        callers(record()).check(exchange(x_project="green"))


def test_a_hint_is_believed_until_a_reading_that_began_after_it() -> None:
    made = callers(record(), record("other"))
    made.check(exchange())
    before = time.monotonic()
    made.revoke([f"id of {TOKEN}"])
    with pytest.raises(errors.NotAuthenticated):
        made.check(exchange())
    read = Credentials((record(), record("other")), {})
    made.take(read, before)
    with pytest.raises(errors.NotAuthenticated):
        made.check(exchange())
    assert made.check(exchange("Bearer other"))
    made.take(read, time.monotonic())
    assert made.check(exchange())


def test_people_who_may_less_are_believed_until_a_reading_that_began_after_it() -> None:
    ann = UserRecord(7, "ann", False, {"blue": "developer", "green": "admin"})
    green = record("green", project="green", role="admin")
    ours, other = {"owner_id": 8, "owner_name": "bob"}, "Bearer other"
    digest = hashlib.sha256(b"some-token").digest()
    token = record("t", digest=digest, kind="oauth", project="green", role="admin")
    read = Credentials(
        (record(), green, record("all", project="", role="superuser"), record("other", **ours)),
        {7: ann},
        (token,),
    )
    made, before = Callers(), time.monotonic()
    made.take(read, before)
    made.check(exchange())

    made.revoke((), {7: replace(ann, roles={"green": "viewer"})})
    for _ in range(2):
        for gone in (TOKEN, "all"):
            with pytest.raises(errors.NotAuthenticated):
                made.check(exchange(f"Bearer {gone}"))
        for held in ("green", "some-token"):
            actor = made.check(exchange(f"Bearer {held}")).actor
            assert (actor.role, actor.may("models.read")) == ("viewer", True)
            assert not actor.may("models.use")
        assert made.check(exchange(other)).actor.may("models.use")
        made.take(read, before)  # which began before we were told

    made.revoke((), {7: None})
    for gone in ("green", "some-token"):
        with pytest.raises(errors.NotAuthenticated):
            made.check(exchange(f"Bearer {gone}"))
    assert 7 not in made._users
    made.take(read, time.monotonic())
    assert made.check(exchange()).actor.may("models.use")


def test_what_is_taken_away_gives_nothing() -> None:
    """Of a role that rises where another one falls, a scoped key knows nothing till it is read."""
    scoped = record(actions=frozenset({"models.use"}))
    ann = UserRecord(7, "ann", False, {"blue": "owner"})
    assert accounts.lowered(scoped, ann) == scoped
    raised = accounts.lowered(record(), ann)
    assert raised is not None
    assert (raised.role, raised.actions) == ("developer", record().actions)
    # A superuser's key of a project was an owner's; now it is what its owner is there.
    assert accounts.lowered(record(role="owner"), ann) == record(role="owner")


def test_who_is_said_to_be_less_is_never_more() -> None:
    """Whoever says it, and in whatever order it comes."""
    was = accounts.UserRecord(1, "ann", False, {"a": "developer", "b": "viewer"}, tokens_after=9.0)
    told = accounts.UserRecord(1, "eve", True, {"a": "owner", "c": "owner"}, tokens_after=1.0)
    assert accounts.less(was, told) == accounts.UserRecord(
        1, "ann", False, {"a": "developer"}, tokens_after=9.0
    )
    assert accounts.less(None, told) is None
    assert accounts.less(was, None) is None


def test_what_runs_on_a_token_goes_on_with_the_one_that_it_was_renewed_to() -> None:
    def token(text: str, **values: Any) -> KeyRecord:
        digest = hashlib.sha256(text.encode()).digest()
        given = {"kind": "oauth", "family": "f", "expires": time.time() + 600}
        return record(text, **(given | {"digest": digest} | values))

    def told(*now: KeyRecord, revoked: tuple[str, ...] = ()) -> errors.PlatformError | None:
        """Of a request that began with the token "first"."""
        made = callers(tokens=(token("first"),))
        asked = exchange("Bearer first")
        asked.record, asked.actor = made.check(asked)
        made.take(Credentials((), {}, now), time.monotonic())
        made.revoke(revoked)
        end_refused([asked], made, Any)
        if asked.refused is None:
            # Another request is refused all the same.
            with pytest.raises(errors.NotAuthenticated):
                made.check(exchange("Bearer first"))
        return asked.refused

    assert told(token("second")) is None
    for gone in (
        told(),
        told(token("second", family="g")),
        told(token("second", family="")),
        told(token("second"), revoked=("id of second",)),
        told(token("second", actions=frozenset({"models.read"}))),
        told(token("second", project="green")),
    ):
        assert isinstance(gone, errors.KeyRevoked)
    assert isinstance(told(token("second", expires=time.time() - 1)), errors.KeyRevoked)


def test_a_request_by_name_belongs_to_the_key_or_the_person() -> None:
    for values, sender in (
        ({}, f"id of {TOKEN}"),
        ({"kind": "login"}, "user:7"),
        ({"kind": "oauth", "name": "chat app"}, "application:7:chat app"),
        ({"kind": "operator", "owner_id": None}, f"id of {TOKEN}"),
    ):
        asked = exchange()
        asked.record = record(**values)
        assert asked.sender == sender


# -- what they see --------------------------------------------------------------------------------


def model(uid: str, **values: Any) -> ServedModel:
    return ServedModel(
        uid=uid, kind="llm", engine="fake", context_length=None, abilities=(), parameters=(),
        state="ready", reason="", slots=1, created=0, replicas_ready=1, progress=1.0, message="",
        **values,
    )  # fmt: skip


def catalog(*models: ServedModel) -> Catalog:
    made = Catalog()
    made._models = {one.uid: one for one in models}
    return made


ALL = catalog(
    model("llama-1", project="blue", adapters=("fr", "de")),
    model("llama-2", project="green"),
    model("llama-3", project="green", shared=True),
)


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({}, ["llama-1", "llama-3"]),
        ({"project": "green"}, ["llama-2", "llama-3"]),
        ({"project": "", "role": "superuser"}, ["llama-1", "llama-2", "llama-3"]),
        ({"models": ("*-3",)}, ["llama-3"]),
        ({"models": ("*-2",)}, []),
        ({"models": ("llama-1:fr",)}, ["llama-1"]),
        ({"role": "viewer"}, ["llama-1", "llama-3"]),
    ],
)
def test_who_sees_which_models(values: dict[str, Any], seen: list[str]) -> None:
    actor = record(**values).actor()
    assert [one.uid for one in ALL.seen_by(actor)] == seen


def test_what_is_hidden_is_not_there() -> None:
    actor = record().actor()
    assert ALL.resolve("llama-2", actor) is None
    hidden, absent = ALL.missing("llama-2", actor), ALL.missing("llama-9", actor)
    assert hidden.message.replace("llama-2", "llama-9") == absent.message
    assert "'llama-2'" not in ALL.missing("llama-22", actor).message


def test_a_key_for_an_adapter_calls_nothing_else() -> None:
    actor = record(models=("llama-1:fr",)).actor()
    base = ALL.find("llama-1")
    assert base is not None
    assert ALL.resolve("llama-1:fr", actor) == (base, "fr")
    assert ALL.resolve("llama-1", actor) is None
    assert ALL.resolve("llama-1:de", actor) is None
    assert names(base, actor) == ["llama-1:fr"]
    assert "llama-1:de" not in ALL.missing("llama-1:xx", actor).message
    assert names(base, record(models=("llama-*",)).actor()) == [
        "llama-1", "llama-1:fr", "llama-1:de",
    ]  # fmt: skip


# -- how fresh it is ------------------------------------------------------------------------------


def test_a_flood_of_unknown_keys_is_one_look_and_no_reading() -> None:
    looks, reads = 0, 0

    async def read() -> None:
        nonlocal reads
        reads += 1

    async def changed() -> bool:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return False

    async def flood() -> None:
        kept = Kept("x", read, changed)
        keeper = asyncio.create_task(kept.keep())
        await kept.loaded.wait()
        await asyncio.gather(*(kept.look_again() for _ in range(500)))
        keeper.cancel()

    asyncio.run(flood())
    # Not one for each; a few, since they do not all wake at once.
    assert reads == 1
    assert 1 <= looks <= 5


def test_a_change_is_seen_without_a_hint_and_a_hint_is_no_look() -> None:
    version, seen = 0, -1

    async def read() -> None:
        nonlocal seen
        seen = version

    async def changed() -> bool:
        return seen != version

    async def run() -> None:
        nonlocal version
        kept = Kept("x", read, changed)
        keeper = asyncio.create_task(kept.keep(look_seconds=0.01))
        await kept.loaded.wait()
        version = 5
        async with asyncio.timeout(30):
            while seen != 5:
                await asyncio.sleep(0.01)
        keeper.cancel()

    asyncio.run(run())


def test_what_cannot_be_read_is_read_as_soon_as_it_can_be() -> None:
    away, reads = True, 0

    async def read() -> None:
        nonlocal reads
        if away:
            raise OSError("away")
        reads += 1

    async def run() -> None:
        nonlocal away
        kept = Kept("x", read)
        keeper = asyncio.create_task(kept.keep())
        await asyncio.sleep(0)
        assert not kept.loaded.is_set()
        away = False
        await asyncio.wait_for(kept.loaded.wait(), 30)
        assert reads == 1
        keeper.cancel()

    asyncio.run(run())
