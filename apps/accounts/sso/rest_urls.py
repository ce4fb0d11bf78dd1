from django.urls import path

from apps.accounts.sso import rest

urlpatterns = [
    path("sso", rest.SignInView.as_view(), name="sso"),
    path("sso/providers", rest.ProvidersView.as_view(), name="sso-providers"),
    path("sso/providers/<str:name>", rest.ProviderView.as_view(), name="sso-provider"),
    path("sso/providers/<str:name>/check", rest.ProviderCheckView.as_view()),
]
