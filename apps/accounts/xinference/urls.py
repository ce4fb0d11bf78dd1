"""Below ``/v1``."""

from django.urls import path

from apps.accounts.tokens.views import LogoutView, RefreshView

urlpatterns = [
    path("auth/refresh", RefreshView.as_view()),
    path("auth/logout", LogoutView.as_view()),
]
