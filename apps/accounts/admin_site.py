"""Django's admin, with our login: locks, a second factor, and what somebody owes first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.accounts import standing
from apps.accounts.actions.passwords import choose_password
from apps.accounts.login_form import AdminSignInForm
from apps.accounts.models import User


class ChoosePasswordForm(AdminPasswordChangeForm):
    """The address comes from the request that is being answered."""

    def save(self, commit: bool = True) -> Any:
        choose_password(self.user, self.cleaned_data["new_password1"], "")
        return self.user


class ChoosePasswordView(PasswordChangeView):
    form_class = ChoosePasswordForm


class AdminSite(admin.AdminSite):
    site_header = site_title = "xplatform"
    index_title = "All records"
    login_form = AdminSignInForm
    login_template = "accounts/admin_login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request) or not isinstance(request.user, User):
            return False
        due = standing.owed(request.user)
        return not due or (
            "must_change_password" in due and request.path == reverse("admin:password_change")
        )

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "GET" and isinstance(request.user, User):
            due = standing.owed(request.user)
            if "must_change_password" in due and super().has_permission(request):
                return HttpResponseRedirect(reverse("admin:password_change"))
            if due:
                messages.error(request, standing.sentence(due))
        return super().login(request, extra_context)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        view = ChoosePasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
