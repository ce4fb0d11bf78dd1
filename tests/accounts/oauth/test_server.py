"""With a whole server: the command line signs in by a browser, its token opens the gateway until
it is revoked, and another installation signs people in with this one's accounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client

from apps.accounts.models import Membership, Project, SsoProvider, User
from apps.accounts.sso import client as sso_client
from tests.accounts.oauth.steps import fields
from tests.chaos.clients import Call, chat_body
from tests.support.server import ROOT, Server, serving, wait_for

pytestmark = pytest.mark.server

PASSWORD = "test-admin-password-1"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def person(server: Server) -> Iterator[requests.Session]:
    """A browser, signed in as the administrator."""
    with requests.Session() as browser:
        browser.trust_env = False
        submit(browser, server.base + "/admin/login/", username="admin", password=PASSWORD)
        yield browser


def submit(browser: requests.Session, address: str, page: Any = None, **values: str) -> Any:
    """Fill in the form at ``address`` (or on the page that was got already) and send it."""
    page = page or browser.get(address, timeout=30)
    assert page.status_code == 200, page.text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found, page.text
    form = fields(page)
    chosen = {name: each[0] for name, each in form.choices.items() if each}
    body = {**form.values, **chosen, **values, "csrfmiddlewaretoken": found[1]}
    return browser.post(address, body, allow_redirects=False, timeout=30)


def command(place: Path, *words: str) -> subprocess.Popen[str]:
    environ = {name: v for name, v in os.environ.items() if not name.startswith("XPLATFORM")}
    environ |= {"XDG_CONFIG_HOME": str(place), "XPLATFORM_HOME": str(place / "home")}
    return subprocess.Popen(
        [sys.executable, "-m", "xplatform", *words],
        env={**environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ran(place: Path, *words: str) -> tuple[int, str]:
    process = command(place, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def test_the_command_line_signs_in_by_a_browser(
    server: Server, person: requests.Session, tmp_path: Path
) -> None:
    process = command(tmp_path, "login", "-e", server.base, "--browser")
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"[B-Z]{4}-[B-Z]{4}", said)
    assert found and server.base + "/device" in said, said
    page = submit(person, server.base + "/device", user_code=found[0])
    assert "xplatform command line" in page.text
    done = submit(person, server.base + "/device", page, action="allow", project="*")
    assert "may act for you" in done.text
    assert process.wait(60) == 0
    process.communicate()

    file = tmp_path / "xplatform" / "logins.json"
    assert file.stat().st_mode & 0o077 == 0
    assert ran(tmp_path, "list")[0] == 0
    # Shortly before its end the token is exchanged, once by however many commands.
    kept = json.loads(file.read_text())
    (held,) = kept["renewals"].values()
    first = held["access_token"]
    server.launch("m", options={"step_ms": 10}, slots=2)
    endless = chat_body("m", stream=True, max_tokens=100_000, ignore_eos=True)
    stream = Call(server, endless, headers={"Authorization": f"Bearer {first}"}).at(3)
    held["expires"] = 0
    file.write_text(json.dumps(kept))
    both = [command(tmp_path, "list") for _ in range(2)]
    for each in both:
        each.communicate(timeout=60)
        assert each.returncode == 0
    (held,) = json.loads(file.read_text())["renewals"].values()
    assert held["access_token"] != first

    # Nothing new begins with the old one; what runs on it goes on.
    wait_for(lambda: server.get("/v1/models", key=first).status == 401, "the old one to be refused")
    stream.at(stream.tokens + 200)
    bearer = {"Authorization": f"Bearer {held['access_token']}"}
    assert person.get(server.base + "/v1/models", headers=bearer, timeout=30).status_code == 200
    assert ran(tmp_path, "logout")[0] == 0

    def refused() -> bool:
        answer = requests.get(server.base + "/v1/models", headers=bearer, timeout=30)
        return answer.status_code == 401

    wait_for(refused, "the gateway to refuse the token", 10)
    stream.result(20)
    assert stream.error is not None
    assert stream.error["code"] == "key_revoked"
    assert ran(tmp_path, "list", "-e", server.base)[0] == 4


@pytest.mark.usefixtures("clean_database")
def test_another_installation_signs_people_in(server: Server, person: requests.Session) -> None:
    """``server`` is the provider; this process is the other installation."""
    sso_client._documents.clear()
    Project.objects.create(slug="lab")
    registered = server.post(
        "/api/applications",
        {
            "name": "The other one",
            "grant": "authorization_code",
            "redirect_uris": ["http://localhost/sso/main/callback"],
            "post_logout_redirect_uris": ["http://localhost/"],
        },
    ).json()
    server.post("/api/groups", {"name": "lab-people"})
    server.request("PUT", "/api/groups/lab-people/members/admin")
    SsoProvider.objects.create(
        name="main",
        title="Main",
        issuer=server.base,
        client_id=registered["client_id"],
        client_secret=registered["client_secret"],
        scopes="openid profile email groups",
        rules=[{"claim": "groups", "value": "lab-*", "project": "lab", "role": "developer"}],
    )
    here = Client(SERVER_NAME="localhost")
    there = here.get("/sso/main/login")["Location"]
    page = person.get(there, timeout=30)
    assert "The other one" in page.text and "groups you are in" in page.text
    sent = submit(person, there, page, allow="true")
    assert sent.status_code == 302, sent.text
    done = here.get(sent.headers["Location"])
    assert (done.status_code, done["Location"]) == (302, "/"), done.content.decode()
    user = User.objects.get(username="admin")
    assert not user.is_superuser
    (member,) = Membership.objects.filter(user=user)
    assert (member.project.slug, member.role) == ("lab", "developer")
    assert here.get("/api/authorizations").status_code == 200

    away = here.post("/sso/logout")["Location"]
    assert away.startswith(server.base + "/oauth/logout?")
    left = submit(person, away, allow="true")
    assert left.headers["Location"].startswith("http://localhost/")
    assert person.get(server.base + "/device", allow_redirects=False, timeout=30).status_code == 302
