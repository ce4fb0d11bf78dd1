"""``/sso/<name>/login``, ``/sso/<name>/callback``, ``/sso/logout``, and Xinference's names for the
first two."""

from __future__ import annotations

import logging

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache

from apps.accounts.sso import client, people
from apps.accounts.sso.models import SsoProvider
from apps.audit.api import record
from xplatform.core.config import settings
from xplatform.core.errors import NotFound, PlatformError

log = logging.getLogger(__name__)

#: in the session: where to go after the login, and what ends it at the provider
_NEXT, _FROM = "sso_next", "sso_from"


@method_decorator(never_cache, name="dispatch")
class _Page(View):
    """Errors are pages for people: their browser was sent here."""

    http_method_names = ["get"]
    #: of the default provider, as Xinference has it
    default = False

    def dispatch(self, request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        try:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]
        except PlatformError as error:
            context = {"problem": error.message}
            return render(request, "sso/problem.html", context, status=error.status)

    def provider(self, name: str) -> SsoProvider:
        found = SsoProvider.objects.filter(enabled=True)
        found = found.filter(default=True) if self.default else found.filter(name=name)
        provider = found.first()
        if provider is None:
            raise NotFound("There is no such single sign-on here.")
        return provider

    def callback(self, request: HttpRequest, provider: SsoProvider) -> str:
        path = (
            reverse("oidc-callback")
            if self.default
            else reverse("sso-callback", args=[provider.name])
        )
        return absolute(request, path)


class Login(_Page):
    def get(self, request: HttpRequest, name: str = "") -> HttpResponse:
        provider = self.provider(name)
        request.session[_NEXT] = _own(request, request.GET.get("next", ""))
        return client.begin(request, provider, self.callback(request, provider))


class Callback(_Page):
    def get(self, request: HttpRequest, name: str = "") -> HttpResponse:
        provider = self.provider(name)
        try:
            claims, id_token = client.finish(request, provider)
            user = people.arrived(provider, claims)
        except PlatformError as error:
            record(
                None,
                "sso.login",
                "provider",
                provider.name,
                outcome="refused" if error.status < 500 else "failed",
                why=error.message,
            )
            raise
        after = request.session.pop(_NEXT, "")
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        request.session[_FROM] = [provider.name, id_token]
        record(user.username, "sso.login", "provider", provider.name)
        return HttpResponseRedirect(_own(request, after))


class Logout(_Page):
    """Ends the session here, and sends the browser to the provider to end it there."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        name, id_token = request.session.get(_FROM) or ("", "")
        logout(request)
        provider = SsoProvider.objects.filter(name=name, enabled=True).first()
        there = None
        if provider is not None:
            there = client.logout_address(request, provider, id_token, absolute(request, "/"))
        return HttpResponseRedirect(there or "/")


def _own(request: HttpRequest, address: str) -> str:
    """Only to a page of this server."""
    fine = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return address if fine else "/"


def absolute(request: HttpRequest, path: str) -> str:
    public = settings().public_url
    return public.rstrip("/") + path if public else request.build_absolute_uri(path)
