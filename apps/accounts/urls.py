from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("keys", views.KeysView.as_view(), name="keys"),
    path("keys/<str:key_id>", views.KeyView.as_view(), name="key"),
]
