from django.urls import path

from apps.webhooks import views

urlpatterns = [
    path("webhooks", views.WebhooksView.as_view()),
    path("webhooks/<str:webhook_id>", views.WebhookView.as_view()),
    path("webhooks/<str:webhook_id>/secret", views.WebhookSecretView.as_view()),
    path("webhooks/<str:webhook_id>/test", views.TryWebhookView.as_view()),
]
