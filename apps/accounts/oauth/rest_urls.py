from django.urls import path

from apps.accounts.oauth import rest

urlpatterns = [
    path("applications", rest.ApplicationsView.as_view(), name="applications"),
    path("applications/<str:client_id>", rest.ApplicationView.as_view(), name="application"),
    path("applications/<str:client_id>/secret", rest.ApplicationSecretView.as_view()),
    path("authorizations", rest.AuthorizationsView.as_view(), name="authorizations"),
    path("authorizations/<str:client_id>", rest.AuthorizationView.as_view()),
]
