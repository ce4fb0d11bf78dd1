"""``/oauth/sign-in``: where pages send whoever is not signed in, staff or not. By a password and a
second factor, or by another provider's account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import LoginView
from django.urls import reverse

from apps.accounts.login_form import SignInForm
from apps.accounts.sso.models import SsoProvider


class SignIn(LoginView):
    authentication_form = SignInForm
    template_name = "oauth/sign_in.html"
    next_page = "/"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Checked: an address of this server, or nothing.
        after = urlencode({"next": self.get_redirect_url()})
        ways = [
            (provider.title, f"{reverse('sso-login', args=[provider.name])}?{after}")
            for provider in SsoProvider.objects.filter(enabled=True)
        ]
        return super().get_context_data(**kwargs, ways=ways)
