from django.urls import path

from apps.inference.in_flight.views import RequestsView, RequestView

urlpatterns = [
    path("launches/<str:uid>/requests", RequestsView.as_view()),
    path("launches/<str:uid>/requests/<str:rid>", RequestView.as_view()),
]
