from django.urls import path

from apps.accounts.sso import pages

urlpatterns = [
    path("sso/logout", pages.Logout.as_view(), name="sso-logout"),
    path("sso/<slug:name>/login", pages.Login.as_view(), name="sso-login"),
    path("sso/<slug:name>/callback", pages.Callback.as_view(), name="sso-callback"),
    path("api/oidc/authorize", pages.Login.as_view(default=True), name="oidc-authorize"),
    path("api/oidc/callback", pages.Callback.as_view(default=True), name="oidc-callback"),
]
