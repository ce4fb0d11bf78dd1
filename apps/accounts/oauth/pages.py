"""Pages where a signed-in person allows an application, or a device, to act for them."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.cache import cache
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.forms import AllowForm
from oauth2_provider.models import get_device_grant_model
from oauth2_provider.views import AuthorizationView
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError
from oauthlib.openid.connect.core.exceptions import ConsentRequired

from apps.accounts.oauth import consent
from apps.accounts.oauth.codes import shown_code, typed_code
from apps.accounts.oauth.leading import leads_to
from apps.accounts.oauth.models import Application
from apps.accounts.oauth.scopes import acts, described, in_project, project_of

DeviceGrant = get_device_grant_model()

#: codes that one person may get wrong within this many seconds
_TRIES, _WINDOW = 10, 300


#: what the columns of a code take
_LONGEST = {"nonce": 255, "code_challenge": 128, "code_challenge_method": 10}


def _project_field(choices: list[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices, label="Project")


class ConsentForm(AllowForm):  # type: ignore[misc]
    """What the client asked for in hidden fields, and the project in which it shall act."""

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, most in _LONGEST.items():
            self.fields[name].validators.append(MaxLengthValidator(most))
        given = self.data.get("scope") if self.is_bound else self.initial.get("scope")
        client_id = self.data.get("client_id") if self.is_bound else self.initial.get("client_id")
        scopes = str(given or "").split()
        application = Application.objects.filter(client_id=client_id).first()
        if application is not None and acts(scopes):
            choices = consent.projects(user, application, project_of(scopes))
            self.fields["project"] = _project_field(choices)
            # Who refuses need not choose.
            self.fields["project"].required = bool(self.data.get("allow"))


@method_decorator(never_cache, name="dispatch")
class Authorize(AuthorizationView):  # type: ignore[misc]
    """``/oauth/authorize``: consent is asked for each time, whatever was allowed before."""

    template_name = "oauth/authorize.html"
    form_class = ConsentForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            scopes, credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self._refused(error)
        prompt = set(request.GET.get("prompt", "").split())
        if "create" in prompt:
            return self._back(credentials, InvalidRequestError("prompt=create is not supported"))
        if "login" in prompt:
            response: HttpResponse = self.handle_prompt_login()
            return response
        if "none" in prompt:
            return self._back(credentials, ConsentRequired())
        application = Application.objects.get(client_id=credentials["client_id"])
        self.oauth2_data = {
            **{name: value for name, value in credentials.items() if name != "request"},
            "scopes": scopes,
            "claims": json.dumps(credentials["claims"]) if credentials.get("claims") else None,
            "resource": " ".join(request.GET.getlist("resource")),
        }
        return self._shown(self.get_form(), application, scopes)

    def form_valid(self, form: ConsentForm) -> HttpResponse:
        scopes = form.cleaned_data["scope"].split()
        slug = form.cleaned_data.get("project")
        form.cleaned_data["scope"] = " ".join(in_project(scopes, slug))
        application = Application.objects.filter(client_id=form.cleaned_data["client_id"]).first()
        if application is None or not application.redirect_uri_allowed(
            form.cleaned_data["redirect_uri"]
        ):
            # The toolkit looks at it only when something is allowed.
            return render(self.request, self.template_name, {"problem": _NO_APP}, status=400)
        response: HttpResponse = super().form_valid(form)
        allowed = bool(form.cleaned_data["allow"])
        consent.tell(self.request, application, scopes, slug, allowed=allowed)
        return response

    def form_invalid(self, form: ConsentForm) -> HttpResponse:
        client_id = str(form.data.get("client_id", ""))
        application = Application.objects.filter(client_id=client_id).first()
        if application is None:
            return render(self.request, self.template_name, {"problem": _NO_APP}, status=400)
        scopes = str(form.data.get("scope", "")).split()
        return self._shown(form, application, scopes, status=400)

    def _shown(
        self, form: forms.Form, application: Application, scopes: list[str], status: int = 200
    ) -> HttpResponse:
        context = {
            "form": form,
            "application": application,
            "scopes": described(scopes),
            "no_project": "project" in form.fields and not _choices(form),
        }
        page = render(self.request, self.template_name, context, status=status)
        given = form.data if form.is_bound else form.initial
        address = str(given.get("redirect_uri", ""))
        return leads_to(page, address) if application.redirect_uri_allowed(address) else page

    def _refused(self, error: OAuthToolkitError) -> HttpResponse:
        response: HttpResponse = self.error_response(error, application=None)
        return response

    def _back(self, credentials: dict[str, Any], error: Any) -> HttpResponse:
        """To the client, with an error of OpenID Connect's."""
        error.redirect_uri, error.state = credentials["redirect_uri"], credentials.get("state")
        return self._refused(OAuthToolkitError(error=error))

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        # Only errors of which the client must not be told by a redirect come here.
        error = context["error"]
        problem = error.description or error.error
        return render(
            self.request, self.template_name, {"problem": problem}, status=kwargs["status"]
        )


_NO_APP = "There is no such application here."


def _choices(form: forms.Form) -> Any:
    field: Any = form.fields["project"]
    return field.choices


class _CodeForm(forms.Form):
    user_code = forms.CharField(
        label="Code", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@method_decorator(never_cache, name="dispatch")
class Device(LoginRequiredMixin, View):
    """``/device``: type the code that the device shows, look at what it asks for, allow it.

    A link with the code in it only fills the field: whoever is lured here still has to compare
    the code and press a button (RFC 8628, 5.4).
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        code = typed_code(request.GET.get("user_code", ""))
        form = _CodeForm(initial={"user_code": shown_code(code) if code else ""})
        return render(request, "oauth/device.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = _CodeForm(request.POST)
        if not form.is_valid():
            return render(request, "oauth/device.html", {"form": form}, status=400)
        counter = f"device-code-{request.user.pk}"
        if cache.get(counter, 0) >= _TRIES:
            form.add_error("user_code", "Too many wrong codes. Try again in a few minutes.")
            return render(request, "oauth/device.html", {"form": form}, status=429)
        with transaction.atomic():
            grant = _pending(typed_code(form.cleaned_data["user_code"]))
            application = grant and Application.objects.filter(client_id=grant.client_id).first()
            if grant is None or application is None:
                cache.add(counter, 0, _WINDOW)
                cache.incr(counter)
                form.add_error("user_code", "No device waits with this code, or it has expired.")
                return render(request, "oauth/device.html", {"form": form}, status=400)
            return self._decided(request, grant, application)

    def _decided(self, request: HttpRequest, grant: Any, application: Application) -> HttpResponse:
        scopes = grant.scope.split()
        asked = forms.Form(request.POST if "action" in request.POST else None)
        if acts(scopes):
            choices = consent.projects(request.user, application, project_of(scopes))
            asked.fields["project"] = _project_field(choices)
        action = request.POST.get("action")
        context: dict[str, Any] = {"application": application}
        if action == "deny":
            grant.status = grant.DENIED
        elif action == "allow" and asked.is_valid():
            slug = asked.cleaned_data.get("project")
            grant.scope = " ".join(in_project(scopes, slug))
            grant.status = grant.AUTHORIZED
        else:
            shown = {
                **context,
                "form": asked,
                "scopes": described(scopes),
                "code": shown_code(grant.user_code),
                "no_project": "project" in asked.fields and not _choices(asked),
            }
            return render(
                request, "oauth/device_confirm.html", shown, status=400 if action else 200
            )
        grant.user = request.user
        grant.save()
        allowed = grant.status == grant.AUTHORIZED
        slug = project_of(grant.scope.split())
        consent.tell(request, application, scopes, slug, allowed=allowed)
        return render(request, "oauth/device_done.html", {**context, "allowed": allowed})


def _pending(code: str) -> Any:
    """The device that waits with this code, locked; None: there is none."""
    if not code:
        return None
    found = DeviceGrant.objects.select_for_update().filter(
        user_code=code, status=DeviceGrant.AUTHORIZATION_PENDING
    )
    return next((grant for grant in found if not grant.is_expired()), None)
