"""Single sign-on with a provider that can lie, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from apps.accounts.models import Membership, Project, SsoIdentity, SsoProvider, User
from apps.accounts.sso import client as sso_client
from apps.audit.models import Entry
from tests.accounts.sso import liar
from tests.accounts.sso.liar import CLIENT, SECRET, Provider
from tests.support.database import clean_database

__all__ = ["clean_database"]

Rule = dict[str, Any]


@pytest.fixture(autouse=True)
def fresh(clean_database: None) -> None:
    cache.clear()
    sso_client._documents.clear()
    Project.objects.get_or_create(slug="default", defaults={"title": "Default"})
    Project.objects.get_or_create(slug="research", defaults={"title": "Research"})


@pytest.fixture(scope="module")
def process() -> Iterator[Provider]:
    with liar.running() as found:
        yield found


@pytest.fixture
def provider(process: Provider) -> Provider:
    """It tells the truth, until a test says otherwise."""
    process.claims, process.userinfo, process.document = {}, {}, {}
    process.algorithm, process.signs_with, process.token_answer = "RS256", process.key, None
    process.asked.clear()
    return process


@pytest.fixture
def company(provider: Provider) -> SsoProvider:
    return SsoProvider.objects.create(
        name="company",
        title="Company",
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        default=True,
    )


def begun(browser: Client, path: str = "/sso/company/login") -> str:
    answer = browser.get(path)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def back(browser: Client, provider: Provider, path: str = "/sso/company/login") -> Any:
    """The whole way there and back."""
    return browser.get(provider.authorize(begun(browser, path)))


def refused(answer: Any, status: int = 401) -> str:
    assert answer.status_code == status, answer.content.decode()
    page: str = answer.content.decode()
    assert "You are not logged in" in page
    return page


def test_somebody_new(provider: Provider, company: SsoProvider) -> None:
    provider.claims = {
        "preferred_username": "grace",
        "email": "grace@example.com",
        "given_name": "Grace",
    }
    browser = Client()
    address = begun(browser, "/sso/company/login?next=/docs")
    assert address.startswith(provider.issuer + "/authorize?")
    for part in ("code_challenge_method=S256", "nonce=", "state=", "scope=openid"):
        assert part in address
    done = browser.get(provider.authorize(address))
    assert (done.status_code, done["Location"]) == (302, "/docs")
    user = User.objects.get(username="grace")
    assert user.email == "grace@example.com" and not user.has_usable_password()
    assert not user.is_superuser and not user.is_staff
    assert browser.get("/api/authorizations").status_code == 200
    # The same person, whatever they are called now.
    provider.claims["preferred_username"] = "grace.hopper"
    back(Client(), provider)
    assert User.objects.filter(sso_identities__provider=company).count() == 1
    told = list(Entry.objects.filter(action="sso.login").values_list("outcome", flat=True))
    assert told == ["done", "done"]


def test_the_secret_is_sealed_and_sent(provider: Provider, company: SsoProvider) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM accounts_ssoprovider")
        assert SECRET not in str(cursor.fetchall())
    back(Client(), provider)
    assert [path for path, _ in provider.asked] == [
        "GET /.well-known/openid-configuration",
        "POST /token",
        "GET /jwks",
        "GET /userinfo",
    ]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com"},
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"], "azp": CLIENT},
        {"aud": ["somebody-else", CLIENT], "azp": "somebody-else"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"at_hash": "wrong"},
    ],
)
def test_claims_that_are_not_believed(
    provider: Provider, company: SsoProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    browser = Client()
    refused(back(browser, provider))
    assert browser.get("/api/authorizations").status_code == 401
    assert not SsoIdentity.objects.exists()


@pytest.mark.parametrize("way", ["another key", "none", "its secret"])
def test_signatures_that_are_not_believed(
    provider: Provider, company: SsoProvider, way: str
) -> None:
    from jwcrypto import jwk
    from jwcrypto.common import base64url_encode

    match way:
        case "another key":
            provider.signs_with = provider.other
        case "none":
            provider.algorithm = "none"
            provider.document = {"id_token_signing_alg_values_supported": ["none", "RS256"]}
        case "its secret":
            provider.algorithm = "HS256"
            provider.document = {"id_token_signing_alg_values_supported": ["HS256", "RS256"]}
            provider.signs_with = jwk.JWK(kty="oct", k=base64url_encode(SECRET))
    refused(back(Client(), provider))
    assert not SsoIdentity.objects.exists()


def test_a_login_belongs_to_the_browser_that_began_it(
    provider: Provider, company: SsoProvider
) -> None:
    address = provider.authorize(begun(Client()))
    assert "not begun in this browser" in refused(Client().get(address))
    mine = Client()
    begun(mine)
    assert "not begun in this browser" in refused(mine.get(address))
    for query in ("", "?code=x", "?state=x", "?error=access_denied"):
        refused(mine.get("/sso/company/callback" + query))
    assert mine.get("/sso/company/callback?code=x&state=%00").status_code == 400
    # Nor can one be used twice.
    browser = Client()
    address = provider.authorize(begun(browser))
    assert browser.get(address).status_code == 302
    refused(browser.get(address))


def test_an_answer_of_another_provider(provider: Provider, company: SsoProvider) -> None:
    browser = Client()
    address = provider.authorize(begun(browser))
    assert "not Company" in refused(browser.get(address + "&iss=https://evil.example.com"))


def test_userinfo_of_somebody_else(provider: Provider, company: SsoProvider) -> None:
    provider.userinfo = {"sub": "u-2"}
    assert "somebody else" in refused(back(Client(), provider))


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example.com"},
        {"token_endpoint": "https://evil.example.com/token"},
        {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
        {"userinfo_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"token_endpoint": 7},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
)
def test_documents_that_are_not_believed(
    provider: Provider, company: SsoProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    refused(Client().get("/sso/company/login"), 503)


def test_other_hosts_must_be_named(provider: Provider, company: SsoProvider) -> None:
    port = provider.issuer.rsplit(":", 1)[1]
    provider.document = {"jwks_uri": f"http://localhost:{port}/jwks"}
    refused(Client().get("/sso/company/login"), 503)
    SsoProvider.objects.update(hosts=["localhost"])
    assert back(Client(), provider).status_code == 302


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (200, b"not json"),
        (302, {}),
        (200, {}),
        (200, {"access_token": "at", "token_type": "Bearer"}),
        (200, {"access_token": "at", "token_type": "Bearer", "id_token": "a.b.c"}),
        (200, {"access_token": "at", "token_type": "Bearer", "id_token": 7}),
        (200, b"x" * 3_000_000),
        (400, {"error": "invalid_client"}),
    ],
)
def test_token_answers_that_are_no_use(
    provider: Provider, company: SsoProvider, answer: tuple[int, Any]
) -> None:
    provider.token_answer = answer
    browser = Client()
    shown = back(browser, provider)
    assert shown.status_code in (401, 503), shown.content.decode()
    assert "You are not logged in" in shown.content.decode()
    assert not SsoIdentity.objects.exists()


def test_a_provider_that_is_away(company: SsoProvider, provider: Provider) -> None:
    SsoProvider.objects.update(issuer="http://127.0.0.1:1")
    assert "cannot be reached" in refused(Client().get("/sso/company/login"), 503)
    assert Client().get("/sso/nothing/login").status_code == 404
    SsoProvider.objects.update(issuer=provider.issuer, enabled=False)
    assert Client().get("/sso/company/login").status_code == 404


# --- who they are here ---------------------------------------------------------------------------


def test_no_existing_account_is_taken_over(provider: Provider, company: SsoProvider) -> None:
    User.objects.create_user("ada", "ada@example.com", None)
    User.objects.create_superuser("root", "root@example.com", None)
    both = {"preferred_username": "ada", "email": "ada@example.com"}

    def user_of(subject: str, **claims: Any) -> str:
        provider.claims = {"sub": subject, **both, **claims}
        assert back(Client(), provider).status_code == 302
        return SsoIdentity.objects.get(subject=subject).user.username

    assert user_of("s-1", email_verified=True) == "ada2"
    SsoProvider.objects.update(link_by_email=True)
    User.objects.filter(username="ada2").update(email="")
    assert user_of("s-2", email_verified=False) == "ada3"
    User.objects.filter(username="ada3").update(email="")
    assert user_of("s-3", email_verified="true") == "ada4"
    User.objects.filter(username="ada4").update(email="")
    assert user_of("s-4", email="ADA@example.com", email_verified=True) == "ada"
    assert user_of("s-5", email="root@example.com", email_verified=True) == "ada5"


def test_accounts_that_are_refused(provider: Provider, company: SsoProvider) -> None:
    SsoProvider.objects.update(create_users=False)
    assert "no account here" in refused(back(Client(), provider), 403)
    SsoProvider.objects.update(create_users=True)
    assert back(Client(), provider).status_code == 302
    User.objects.update(is_active=False)
    browser = Client()
    assert "disabled" in refused(back(browser, provider), 403)
    assert browser.get("/api/authorizations").status_code == 401
    outcomes = list(Entry.objects.filter(action="sso.login").values_list("outcome", flat=True))
    assert sorted(outcomes) == ["done", "refused", "refused"]


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({}, "company"),
        ({"preferred_username": "x" * 300}, "x" * 100),
        ({"preferred_username": "<b>Ada</b> \x00 O'Hara"}, "bAdabOHara"),
        ({"preferred_username": None, "email": "ada@example.com"}, "ada"),
        ({"preferred_username": ["a"]}, "a"),
        ({"email": "no address"}, "noaddress"),
    ],
)
def test_names(provider: Provider, company: SsoProvider, claims: dict[str, Any], name: str) -> None:
    provider.claims = claims
    assert back(Client(), provider).status_code == 302
    assert SsoIdentity.objects.get().user.username == name


def test_rules_are_looked_at_again_at_each_login(provider: Provider, company: SsoProvider) -> None:
    User.objects.create_superuser("root", password=None)
    rules: list[Rule] = [
        {"claim": "groups", "value": "ml-*", "project": "research", "role": "developer"},
        {"claim": "groups", "value": "ml-leads", "project": "research", "role": "admin"},
        {"claim": "realm_access.roles", "value": "ops", "superuser": True},
    ]
    SsoProvider.objects.update(rules=rules)

    def login(groups: list[str], roles: list[str]) -> tuple[dict[str, str], bool]:
        provider.claims = {"groups": groups, "realm_access": {"roles": roles}}
        assert back(Client(), provider).status_code == 302
        user = SsoIdentity.objects.get().user
        members = Membership.objects.filter(user=user)
        return dict(members.values_list("project__slug", "role")), user.is_superuser

    assert login(["ml-eu"], []) == ({"research": "developer"}, False)
    assert login(["ml-eu", "ml-leads"], ["ops"]) == ({"research": "admin"}, True)
    assert login(["ml-eu"], []) == ({"research": "developer"}, False)
    assert login([], []) == ({}, False)
    # What somebody gave by hand stays, unless the rules give more.
    user = SsoIdentity.objects.get().user
    by_hand = {slug: Project.objects.get(slug=slug) for slug in ("default", "research")}
    for project in by_hand.values():
        Membership.objects.create(user=user, project=project, role="viewer")
    assert login([], []) == ({"default": "viewer", "research": "viewer"}, False)
    assert login(["ml-eu"], []) == ({"default": "viewer", "research": "developer"}, False)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert login(["ml-eu"], [])[1] is True


def test_the_last_superuser_stays_one(provider: Provider, company: SsoProvider) -> None:
    rules = [
        {"claim": "groups", "value": "ops", "superuser": True},
        {"claim": "groups", "value": "ops", "project": "research", "role": "owner"},
        {"claim": "groups", "value": "ops", "project": "default", "role": "viewer"},
    ]
    SsoProvider.objects.update(rules=rules)
    for groups, roles in ((["ops"], ["owner", "viewer"]), ([], ["owner"])):
        provider.claims = {"groups": groups}
        assert back(Client(), provider).status_code == 302
        user = User.objects.get(sso_identities__provider=company)
        assert user.is_superuser
        members = Membership.objects.filter(user=user).order_by("role")
        assert list(members.values_list("role", flat=True)) == roles
    User.objects.create_superuser("root", password=None)
    assert back(Client(), provider).status_code == 302
    assert not User.objects.get(sso_identities__provider=company).is_superuser


def test_a_rule_can_be_needed(provider: Provider, company: SsoProvider) -> None:
    rule = {"claim": "groups", "value": "staff"}
    SsoProvider.objects.update(rules=[rule], rule_needed=True)
    provider.claims = {"groups": ["guests"]}
    assert "not allowed" in refused(back(Client(), provider), 403)
    assert not User.objects.exists()
    provider.claims = {"groups": ["staff"]}
    assert back(Client(), provider).status_code == 302


# --- and around it -------------------------------------------------------------------------------


def test_xinferences_names(provider: Provider, company: SsoProvider) -> None:
    address = begun(Client(), "/api/oidc/authorize")
    assert "%2Fapi%2Foidc%2Fcallback" in address
    browser = Client()
    assert back(browser, provider, "/api/oidc/authorize").status_code == 302
    assert browser.get("/api/authorizations").status_code == 200
    SsoProvider.objects.update(default=False)
    assert Client().get("/api/oidc/authorize").status_code == 404


@pytest.mark.parametrize(
    "there", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", "\\\\evil"]
)
def test_nobody_is_sent_elsewhere(provider: Provider, company: SsoProvider, there: str) -> None:
    browser = Client()
    address = browser.get("/sso/company/login", {"next": there})["Location"]
    assert browser.get(provider.authorize(address))["Location"] == "/"


def test_logging_out(provider: Provider, company: SsoProvider) -> None:
    browser = Client()
    back(browser, provider)
    assert browser.get("/sso/logout").status_code == 405
    done = browser.post("/sso/logout")
    assert done["Location"].startswith(provider.issuer + "/logout?")
    assert "id_token_hint=" in done["Location"]
    assert browser.get("/api/authorizations").status_code == 401
    assert Client().post("/sso/logout")["Location"] == "/"
    forged = Client(enforce_csrf_checks=True)
    assert forged.post("/sso/logout").status_code == 403


def test_a_session_of_before_is_another_one_after(provider: Provider, company: SsoProvider) -> None:
    browser = Client()
    address = begun(browser)
    before = browser.session.session_key
    browser.get(provider.authorize(address))
    assert browser.session.session_key != before
