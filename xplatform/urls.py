"""What Django serves. Inference and the probes never come here: see
``apps.inference.gateway.routes`` for what does of ``/v1``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.accounts.tokens.views import LoginView
from xplatform.console import views as console

admin.autodiscover()

handler404 = "xplatform.rest.not_found"
handler500 = "xplatform.rest.failed"

urlpatterns = [
    path("", console.home),
    path("ui", console.Bare.as_view()),
    path("ui/", console.Page.as_view(), name="console"),
    path("ui/<path:path>", console.Page.as_view()),
    path("admin/", admin.site.urls),
    path(
        "docs/openapi.json",
        SpectacularAPIView.as_view(renderer_classes=[OpenApiJsonRenderer2]),
        name="openapi",
    ),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="docs"),
    path("", include("apps.accounts.oauth.urls")),
    path("", include("apps.accounts.sso.urls")),
    path("token", LoginView.as_view(), name="token"),
    path("v1/", include("apps.accounts.xinference.urls")),
    path("v1/", include("apps.models.xinference.urls")),
    path("api/", include("apps.accounts.urls")),
    path("api/", include("apps.accounts.oauth.rest_urls")),
    path("api/", include("apps.accounts.sso.rest_urls")),
    path("api/", include("apps.models.urls")),
    path("api/", include("apps.inference.in_flight.urls")),
    path("api/", include("apps.metering.urls")),
    path("api/", include("apps.webhooks.urls")),
]
