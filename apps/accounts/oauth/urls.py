"""Routes of the provider. The namespace is django-oauth-toolkit's: it looks its own up by it."""

from django.urls import path

from apps.accounts.oauth import endpoints, pages
from apps.accounts.oauth.sign_in import SignIn

app_name = "oauth2_provider"

urlpatterns = [
    path(
        ".well-known/openid-configuration",
        endpoints.Discovery.as_view(),
        name="oidc-connect-discovery-info",
    ),
    path(
        ".well-known/oauth-authorization-server",
        endpoints.ServerMetadata.as_view(),
        name="oauth-server-metadata",
    ),
    path(".well-known/jwks.json", endpoints.Keys.as_view(), name="jwks-info"),
    path("oauth/authorize", pages.Authorize.as_view(), name="authorize"),
    path("oauth/sign-in", SignIn.as_view(), name="sign-in"),
    path("oauth/token", endpoints.Token.as_view(), name="token"),
    path("oauth/revoke", endpoints.Revoke.as_view(), name="revoke-token"),
    path("oauth/introspect", endpoints.Introspect.as_view(), name="introspect"),
    path(
        "oauth/device-authorization",
        endpoints.DeviceAuthorization.as_view(),
        name="device-authorization",
    ),
    path("oauth/userinfo", endpoints.UserInfo.as_view(), name="user-info"),
    path("oauth/logout", endpoints.Logout.as_view(), name="rp-initiated-logout"),
    path("device", pages.Device.as_view(), name="device"),
]
