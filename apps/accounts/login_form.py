"""A page's login form: the same door as ``POST /token``, with a field for the second factor.

Passkeys need a script, and are shown in the console; whoever has nothing else uses a recovery
code here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm

from apps.accounts.signing_in import Given, sign_in, succeeded
from xplatform.core.errors import PlatformError


class SignInForm(AuthenticationForm):
    otp = forms.CharField(
        label="One-time code",
        max_length=40,
        required=False,
        help_text="Of your authenticator app, or a recovery code; empty if you have set up none.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        name, password = values.get("username"), values.get("password")
        if self.request is not None and name and password:
            try:
                user = sign_in(self.request, Given(name, password, values.get("otp") or ""))
            except PlatformError as error:
                raise forms.ValidationError(error.message, code=error.code) from None
            self.confirm_login_allowed(user)
            succeeded(self.request, user, "page")
            self.user_cache = user
        return values


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """Whoever may not come to the admin hears the words of a wrong password."""
