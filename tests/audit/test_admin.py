"""Django's admin, all of it: every page opens for superusers and for nobody else, every action
runs, every change is recorded."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import xplatform.urls  # noqa: F401  (registers all of them)
from apps.accounts.models import User
from apps.audit.in_admin import AuditedAdmin
from apps.audit.models import Entry
from apps.models.actions import launching
from apps.models.models import Launch, Node
from tests.audit.test_record import an_entry
from tests.models.conftest import clock, hints, sender, world
from tests.models.world import World, an_order

__all__ = ["clock", "hints", "sender", "world"]

ALL = sorted(admin.site._registry, key=lambda model: model._meta.label)
NAMES = [model._meta.label for model in ALL]


def a_row(model: Any, deep: int = 0) -> Any:
    """Any row: what is there, or one made of its fields' types."""
    if model is Entry:
        return an_entry()
    found = model._default_manager.order_by("pk").last()
    return found or model._default_manager.create(**values(model, deep))


def values(model: Any, deep: int) -> dict[str, Any]:
    assert deep < 5
    made = {}
    # A membership, and the like, is of one of several.
    wanted = {"Membership": {"user"}}.get(model.__name__, set())
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField):
            continue
        if (field.null or field.has_default()) and field.name not in wanted:
            continue
        made[field.name] = value(field, deep)
    return made


def value(field: Any, deep: int) -> Any:
    if field.related_model:
        return a_row(field.related_model, deep + 1)
    if field.choices:
        return field.choices[0][0]
    match field:
        case models.BooleanField():
            return False
        case models.UUIDField():
            return uuid.uuid4()
        case models.DateTimeField():
            return timezone.now()
        case models.DateField():
            return datetime.date.today()
        case models.DecimalField() | models.IntegerField() | models.FloatField():
            return 1
        case models.JSONField():
            return {}
        case models.BinaryField():
            return uuid.uuid4().bytes * 2
        case models.URLField():
            return "https://example.com/"
    return uuid.uuid4().hex[: field.max_length or 32]


def address(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def superuser(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    return client


def test_all_of_our_records_are_there() -> None:
    from django.apps import apps

    #: what a user never has to see as a row
    left_out = {"LogEntry", "Permission", "ContentType", "Session"}
    # Shown on the pages of their projects.
    left_out |= {"Membership"}
    missing = {
        model._meta.label
        for model in apps.get_models()
        if model not in admin.site._registry and model.__name__ not in left_out
    }
    assert missing == set()


@pytest.mark.parametrize("model", ALL, ids=NAMES)
def test_changes_are_recorded(model: Any) -> None:
    assert isinstance(admin.site._registry[model], AuditedAdmin)


@pytest.mark.parametrize("model", ALL, ids=NAMES)
def test_pages(superuser: Client, staff: Client, model: Any) -> None:
    row = a_row(model)
    shown = superuser.get(address(model, "changelist"))
    assert shown.status_code == 200
    assert superuser.get(address(model, "changelist"), {"q": "x"}).status_code == 200
    own = admin.site._registry[model]
    assert own.search_fields or model._meta.model_name in ("head", "changes")
    page = superuser.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert not _secrets_of(row) & set(re.findall(r"[\w+/=-]{16,}", page.content.decode()))
    allowed = superuser.get(address(model, "add")).status_code
    assert allowed in (200, 403)
    for path in ("changelist", "add"):
        assert staff.get(address(model, path)).status_code == 403
    assert staff.get(address(model, "change", row.pk)).status_code == 403
    assert staff.post(address(model, "change", row.pk), {}).status_code == 403
    assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert Client().get(address(model, "changelist")).status_code == 302


def _secrets_of(row: Any) -> set[str]:
    """What only the server needs."""
    found = set()
    for field in row._meta.concrete_fields:
        if field.name in ("digest", "password", "token_checksum"):
            kept = field.value_from_object(row)
            found.add(bytes(kept).hex() if isinstance(kept, bytes | memoryview) else str(kept))
    return found


def actions() -> list[Any]:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return [
        pytest.param(model, name, id=f"{model._meta.label}-{name}")
        for model in ALL
        for name in admin.site._registry[model].get_actions(request)
    ]


@pytest.mark.parametrize("model, action", actions())
def test_every_action(world: World, model: Any, action: str) -> None:
    superuser, staff = Client(), Client()
    superuser.force_login(User.objects.create_superuser("root"))
    staff.force_login(User.objects.create_user("clerk", is_staff=True))
    launching.launch(an_order())
    row = a_row(model)
    body = {"action": action, "_selected_action": [row.pk], "post": "yes"}
    before = Entry.objects.count()
    assert staff.post(address(model, "changelist"), body).status_code == 403
    assert Entry.objects.count() == before
    answer = superuser.post(address(model, "changelist"), body)
    # A node that lives is not deleted.
    refused = model is Node and action == "delete_selected"
    assert answer.status_code == (403 if refused else 302), answer.content[-2000:]
    again = superuser.get(address(model, "changelist"))
    assert again.status_code == 200


def test_an_action_records_who(world: World) -> None:
    superuser = Client()
    user = User.objects.create_superuser("root")
    superuser.force_login(user)
    node = Node.objects.get(name="n1")
    body = {"action": "cordon", "_selected_action": [node.pk]}
    superuser.post(address(Node, "changelist"), body)
    entry = Entry.objects.get()
    assert (entry.who, entry.user, entry.address) == ("root", user.pk, "127.0.0.1")
    assert (entry.action, entry.thing, entry.thing_id) == ("node.cordon", "node", "n1")
    assert (entry.before, entry.after) == ('{"cordoned": false}', '{"cordoned": true}')
    assert entry.via == "POST /admin/models/node/"


def test_launches_are_ended_by_the_action(world: World) -> None:
    launching.launch(an_order())
    superuser = Client()
    superuser.force_login(User.objects.create_superuser("root"))
    body = {"action": "terminate", "_selected_action": [Launch.objects.get().pk]}
    assert superuser.post(address(Launch, "changelist"), body).status_code == 302
    assert Launch.objects.get().desired == "stopped"
    assert world.settle(5) is None


def test_a_change_by_hand(superuser: Client) -> None:
    """Before and after, without the password."""
    user = User.objects.create_user("dev", password="correct horse battery")
    page = superuser.get(address(User, "change", user.pk))
    form = page.context["adminform"].form
    left_out = ("password", "groups", "user_permissions")
    body = {name: form[name].value() or "" for name in form.fields if name not in left_out}
    body |= {"email": "dev@example.com", "is_active": ""}
    for date in ("last_login", "date_joined"):
        if date in form.fields:
            when = timezone.now()
            body |= {f"{date}_0": when.date().isoformat(), f"{date}_1": "12:00:00"}
    body.pop("is_active")
    for name in ("is_superuser", "is_staff"):
        if not body.get(name):
            body.pop(name, None)
    answer = superuser.post(address(User, "change", user.pk), body)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    entry = Entry.objects.filter(action="admin.change").get()
    assert (entry.who, entry.thing, entry.thing_id) == ("root", "user", str(user.pk))
    before, after = json.loads(entry.before), json.loads(entry.after)
    assert (before["email"], after["email"]) == ("", "dev@example.com")
    assert (before["is_active"], after["is_active"]) == (True, False)
    assert "password" not in before
    ContentType.objects.clear_cache()
