"""Making, changing and removing applications. Whoever calls has checked that it may be done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

from apps.accounts.models import User
from apps.accounts.oauth.models import Application
from apps.accounts.oauth.scopes import Scopes
from apps.accounts.oauth.secrets import ClientSecret
from xplatform.core.addresses import is_own_machine
from xplatform.core.errors import InvalidValue, MissingField, NotFound

#: our names (those of RFC 6749 and 8628) → the toolkit's
GRANTS: Final = {
    "authorization_code": Application.GRANT_AUTHORIZATION_CODE,
    "client_credentials": Application.GRANT_CLIENT_CREDENTIALS,
    "device_code": Application.GRANT_DEVICE_CODE,
}
_GRANT_NAMES = {theirs: ours for ours, theirs in GRANTS.items()}

#: the command line of this project: `xplatform login`
COMMAND_LINE: Final = "xplatform-cli"

_NATIVE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


@dataclass(frozen=True, slots=True)
class ApplicationInfo:
    """An application as people may see it: without its secret."""

    client_id: str
    name: str
    #: None: whoever consents chooses
    project: str | None
    owner: str
    grant: str
    confidential: bool
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    scopes: list[str]
    disabled: bool
    created: datetime


def info(application: Application) -> ApplicationInfo:
    return ApplicationInfo(
        client_id=application.client_id,
        name=application.name,
        project=application.project.slug if application.project else None,
        owner=application.user.username if application.user else "",
        grant=_GRANT_NAMES.get(application.authorization_grant_type, ""),
        confidential=application.client_type == Application.CLIENT_CONFIDENTIAL,
        redirect_uris=application.redirect_uris.split(),
        post_logout_redirect_uris=application.post_logout_redirect_uris.split(),
        scopes=application.scopes.split(),
        disabled=application.disabled,
        created=application.created,
    )


def find(client_id: str) -> Application:
    found: Application | None = _all().filter(client_id=client_id).first()
    if found is None:
        raise NotFound(f"There is no application {client_id[:100]!r}.", param="client_id")
    return found


def create(
    *,
    name: str,
    grant: str,
    owner: User | None,
    project: Any,
    confidential: bool = True,
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    scopes: Sequence[str] = (),
    client_id: str | None = None,
) -> tuple[str, ApplicationInfo]:
    """The secret ("" for public clients) is returned here and nowhere else, ever again."""
    if grant not in GRANTS:
        raise InvalidValue(f"`grant` is {grant!r}, not one of {', '.join(GRANTS)}.", param="grant")
    if grant == "client_credentials" and not confidential:
        raise InvalidValue(
            "An application that acts for itself needs a secret: `confidential` must be true.",
            param="confidential",
        )
    if grant == "authorization_code" and not redirect_uris:
        raise MissingField(
            "`redirect_uris` is empty: name the addresses to which people are sent back.",
            param="redirect_uris",
        )
    secret = ClientSecret().hash() if confidential else ""
    made = Application(
        user=owner,
        project=project,
        authorization_grant_type=GRANTS[grant],
        client_type=Application.CLIENT_CONFIDENTIAL if confidential else Application.CLIENT_PUBLIC,
        # The column is hashed when it is saved. A public client's is random and known to nobody.
        client_secret=secret or ClientSecret().hash(),
    )
    if client_id:
        made.client_id = client_id
    _fill(made, name, redirect_uris, post_logout_redirect_uris, scopes)
    made.save()
    return secret, info(made)


def change(application: Application, values: dict[str, Any]) -> ApplicationInfo:
    """``values``: any of name, redirect_uris, post_logout_redirect_uris, scopes, disabled."""
    now = info(application)
    redirects = values.get("redirect_uris", now.redirect_uris)
    if now.grant == "authorization_code" and not redirects:
        raise InvalidValue("`redirect_uris` is empty.", param="redirect_uris")
    _fill(
        application,
        values.get("name", now.name),
        redirects,
        values.get("post_logout_redirect_uris", now.post_logout_redirect_uris),
        values.get("scopes", now.scopes),
    )
    application.disabled = values.get("disabled", now.disabled)
    application.save()
    return info(application)


def new_secret(application: Application) -> str:
    """The former one is good no more; tokens that were issued stay."""
    if application.client_type != Application.CLIENT_CONFIDENTIAL:
        raise InvalidValue("A public application has no secret.", param="client_id")
    secret = ClientSecret().hash()
    application.client_secret = secret
    application.save()
    return secret


def remove(application: Application) -> None:
    """With all its tokens."""
    with transaction.atomic():
        for model in (get_access_token_model(), get_refresh_token_model(), get_grant_model()):
            model.objects.filter(application=application).delete()
        application.delete()


def ensure_command_line() -> None:
    """What `xplatform login` is, in every installation."""
    if not Application.objects.filter(client_id=COMMAND_LINE).exists():
        create(
            name="xplatform command line",
            grant="device_code",
            owner=None,
            project=None,
            confidential=False,
            client_id=COMMAND_LINE,
        )


def _fill(
    application: Application,
    name: str,
    redirect_uris: Sequence[str],
    post_logout_redirect_uris: Sequence[str],
    scopes: Sequence[str],
) -> None:
    name = name.strip()
    if not name:
        raise MissingField("Say in `name` what the application is.", param="name")
    if len(name) > 100:
        raise InvalidValue("`name` has more than 100 characters.", param="name")
    known = Scopes().get_all_scopes()
    for scope in scopes:
        if scope not in known:
            raise InvalidValue(f"There is no scope {scope[:50]!r}.", param="scopes")
    for uri in redirect_uris:
        check_redirect(uri, "redirect_uris")
    for uri in post_logout_redirect_uris:
        check_redirect(uri, "post_logout_redirect_uris")
    application.name = name
    application.redirect_uris = " ".join(redirect_uris)
    application.post_logout_redirect_uris = " ".join(post_logout_redirect_uris)
    application.scopes = " ".join(scopes)


def check_redirect(uri: str, param: str) -> None:
    """https; http to the user's own machine (RFC 8252, 7.3); or a program's own scheme, which
    has a domain in it (7.1). It is compared letter by letter later on."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(' "\\<>^`{|}')
    fine = plain and "#" not in uri and "@" not in parts.netloc and "*" not in uri
    if parts.scheme == "http":
        fine = fine and is_own_machine(host)
    elif parts.scheme == "https":
        fine = fine and bool(host)
    else:
        fine = fine and bool(_NATIVE_SCHEME.fullmatch(parts.scheme)) and bool(parts.path)
    if not fine or len(uri) > 2000:
        raise InvalidValue(
            f"{uri[:100]!r} is no address to send people back to: it must be https://… (or"
            " http:// to the user's own machine, or a scheme like com.example.app:/…), whole,"
            " without fragment, user name or wildcard.",
            param=param,
        )


def _all() -> Any:
    return Application.objects.select_related("project", "user")
