"""One login at one provider, by Authlib: discovery, the way there and back, the ID token."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError

from apps.accounts.sso.models import SsoProvider
from apps.accounts.sso.session import GuardedSession, NotThere, check_address, host_of
from xplatform.core.errors import NotAuthenticated, SsoUnavailable

log = logging.getLogger(__name__)

#: what a provider may sign with: never a secret that both have, never nothing
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL: Final = ("userinfo_endpoint", "end_session_endpoint")

#: seconds that a discovery document is believed
_FRESH = 600.0
#: seconds that the clocks of two machines may differ
_LEEWAY = 30

_documents: dict[str, tuple[float, dict[str, Any]]] = {}


class App(DjangoOAuth2App):  # type: ignore[misc]
    client_cls = GuardedSession


def begin(request: HttpRequest, provider: SsoProvider, callback: str) -> HttpResponse:
    """Send the browser there. State, nonce and the PKCE verifier stay in its session here."""
    response: HttpResponse = _app(provider).authorize_redirect(request, callback)
    return response


def finish(request: HttpRequest, provider: SsoProvider) -> tuple[dict[str, Any], str]:
    """The claims of whoever has come back, and the ID token; raises NotAuthenticated,
    SsoUnavailable."""
    app = _app(provider)
    options = {
        "iss": {"essential": True, "values": [provider.issuer]},
        # Authlib itself is content with a token for somebody else that names us in `azp`.
        "aud": {"essential": True, "value": provider.client_id},
    }
    try:
        _check_issuer(request, app.load_server_metadata(), provider)
        token = app.authorize_access_token(request, claims_options=options, leeway=_LEEWAY)
        claims = token.get("userinfo")
        if not claims:
            raise NotAuthenticated(f"{provider.title} sent no ID token.")
        found = dict(claims)
        if app.server_metadata.get("userinfo_endpoint"):
            told = dict(app.userinfo(token=token))
            # Of somebody else, or of nobody (OpenID Connect Core, 5.3.2).
            if told.get("sub") != found["sub"]:
                raise NotAuthenticated(f"{provider.title} told of somebody else.")
            found = told | found
    except NotThere as error:
        raise _away(provider, error) from None
    except OAuthError as error:
        log.info("Single sign-on by %s: %s %s", provider.name, error.error, error.description)
        raise NotAuthenticated(_refusal(provider, error)) from None
    except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
        log.warning("Single sign-on by %s: %s: %s", provider.name, type(error).__name__, error)
        raise NotAuthenticated(f"What {provider.title} sent is not valid.") from None
    except OSError as error:
        raise _away(provider, error) from None
    if not isinstance(found.get("sub"), str) or not 0 < len(found["sub"]) <= 255:
        raise NotAuthenticated(f"What {provider.title} sent is not valid.")
    return found, str(token["id_token"])


def logout_address(
    request: HttpRequest, provider: SsoProvider, id_token: str, back: str
) -> str | None:
    """Where the browser goes to end its session there, too; None: it cannot."""
    try:
        app = _app(provider)
        if not app.server_metadata.get("end_session_endpoint"):
            return None
        made = app.create_logout_url(
            post_logout_redirect_uri=back, id_token_hint=id_token, client_id=provider.client_id
        )
    except SsoUnavailable:
        return None
    return str(made["url"])


def discovered(provider: SsoProvider, *, fresh: bool = False) -> dict[str, Any]:
    """The provider's document, looked through; raises NotThere."""
    at, known = _documents.get(provider.issuer, (0.0, {}))
    if not known or fresh or time.monotonic() - at > _FRESH:
        with GuardedSession(hosts=hosts(provider)) as session:
            address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            answer = session.request("GET", address, withhold_token=True)
        known = _document(answer)
        _documents[provider.issuer] = time.monotonic(), known
    _check_document(known, provider)
    return known


def keys(provider: SsoProvider) -> int:
    """How many keys it publishes; raises NotThere."""
    with GuardedSession(hosts=hosts(provider)) as session:
        answer = session.request("GET", discovered(provider)["jwks_uri"], withhold_token=True)
    found = _document(answer).get("keys")
    if not isinstance(found, list) or not found:
        raise NotThere("it publishes no keys")
    return len(found)


def hosts(provider: SsoProvider) -> frozenset[str]:
    return frozenset({host_of(provider.issuer), *(str(host).lower() for host in provider.hosts)})


def _app(provider: SsoProvider) -> App:
    try:
        document = discovered(provider)
    except NotThere as error:
        raise _away(provider, error) from None
    offered = document.get("id_token_signing_alg_values_supported") or ["RS256"]
    algorithms = [name for name in _ALGORITHMS if name in offered]
    if not algorithms:
        raise _away(provider, NotThere(f"it signs by {offered!r} alone"))
    values: dict[str, Any] = {
        **{name: document[name] for name in (*_ENDPOINTS, *_OPTIONAL) if name in document},
        "issuer": provider.issuer,
        "id_token_signing_alg_values_supported": algorithms,
    }
    return App(
        DjangoIntegration(provider.name),
        name=provider.name,
        client_id=provider.client_id,
        client_secret=provider.client_secret or None,
        client_kwargs={
            "scope": provider.scopes,
            "code_challenge_method": "S256",
            "hosts": hosts(provider),
            "token_endpoint_auth_method": _authentication(document, provider),
        },
        **values,
    )


def _authentication(document: dict[str, Any], provider: SsoProvider) -> str:
    if not provider.client_secret:
        return "none"
    offered = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    only_post = "client_secret_post" in offered and "client_secret_basic" not in offered
    return "client_secret_post" if only_post else "client_secret_basic"


def _document(answer: Any) -> dict[str, Any]:
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotThere(f"{host_of(answer.url)} answers {answer.status_code} without a document")
    return found


def _check_document(document: dict[str, Any], provider: SsoProvider) -> None:
    if document.get("issuer") != provider.issuer:
        raise NotThere(f"it calls itself {str(document.get('issuer'))[:200]!r}")
    for name in _ENDPOINTS:
        if not isinstance(document.get(name), str):
            raise NotThere(f"its document has no {name}")
    for name in (*_ENDPOINTS, *_OPTIONAL):
        if name in document:
            check_address(str(document[name]), hosts(provider))


def _check_issuer(request: HttpRequest, document: dict[str, Any], provider: SsoProvider) -> None:
    """A provider that names itself in its answer (RFC 9207) must be the one that was asked."""
    named = request.GET.get("iss")
    if named is not None and named != document["issuer"]:
        raise NotAuthenticated(f"The answer is not {provider.title}'s.")


def _refusal(provider: SsoProvider, error: OAuthError) -> str:
    if error.error == "mismatching_state":
        return "This login was not begun in this browser, or too long ago. Begin again."
    if error.error == "access_denied":
        return f"{provider.title} did not let you in."
    return f"{provider.title} refused the login."


def _away(provider: SsoProvider, error: Exception) -> SsoUnavailable:
    log.warning("Single sign-on by %s: %s", provider.name, error)
    return SsoUnavailable(f"{provider.title} cannot be reached now. Try again later.")
