from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import Project, User
from tests.accounts.oauth.steps import OTHER_PROJECT, PASSWORD, App, join, public_app


@pytest.fixture(autouse=True)
def fresh(clean_database: None) -> None:
    cache.clear()


@pytest.fixture
def project() -> Any:
    Project.objects.get_or_create(slug="default", defaults={"title": "Default"})
    Project.objects.create(slug=OTHER_PROJECT, title="Other")
    return Project.objects.create(slug="research", title="Research")


@pytest.fixture
def ada(project: Any) -> User:
    """A developer of the project."""
    user = User.objects.create_user("ada", "ada@example.com", PASSWORD, first_name="Ada")
    join(user, project, "developer")
    return user


@pytest.fixture
def browser(ada: User) -> Client:
    made = Client()
    made.force_login(ada)
    return made


@pytest.fixture
def app(project: Any, ada: User) -> App:
    """A public application of the project."""
    return public_app(ada, project)
