from django.urls import path

from apps.metering import views

urlpatterns = [
    path("limits", views.LimitsView.as_view(), name="limits"),
    path("limits/<int:limit_id>", views.LimitView.as_view()),
    path("prices", views.PricesView.as_view(), name="prices"),
    path("prices/<int:price_id>", views.PriceView.as_view()),
    path("usage", views.UsageView.as_view(), name="usage"),
]
