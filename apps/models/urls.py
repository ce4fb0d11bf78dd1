from django.urls import include, path

from apps.models.events.views import EventsView
from apps.models.faces import (
    catalogue,
    engine_options,
    engines,
    estimates,
    files,
    launch_changes,
    launches,
    logs,
    overview,
    registrations,
    sources,
)
from apps.models.pulse.views import PulseView

urlpatterns = [
    path("launches", launches.LaunchesView.as_view(), name="launches"),
    path("launches/<str:uid>", launches.LaunchView.as_view(), name="launch"),
    path("launches/<str:uid>/adapters", launches.AdaptersView.as_view(), name="adapters"),
    path("launches/<str:uid>/cancel", launch_changes.CancelView.as_view()),
    path("launches/<str:uid>/keeping", launch_changes.KeepingView.as_view()),
    path("launches/<str:uid>/relaunch", launch_changes.RelaunchView.as_view()),
    path("launches/<str:uid>/sharing", launch_changes.SharingView.as_view()),
    path("launches/<str:uid>/replicas", launch_changes.ReplicasView.as_view()),
    path("launches/<str:uid>/replicas/<str:replica>", launch_changes.ReplicaView.as_view()),
    path("launches/<str:uid>/replicas/<str:replica>/move", launch_changes.MoveView.as_view()),
    path("registrations", registrations.RegistrationsView.as_view()),
    path("registrations/<str:kind>/<str:name>", registrations.RegistrationView.as_view()),
    path("engine-options", engine_options.EngineOptionsView.as_view()),
    path("catalogue", catalogue.CatalogueView.as_view()),
    path("catalogue/<str:kind>/<str:name>", catalogue.FamilyView.as_view()),
    path("catalogue/<str:kind>/<str:name>/ways", catalogue.WaysView.as_view()),
    path("sources", sources.SourcesView.as_view()),
    path("estimate", estimates.EstimateView.as_view()),
    path("events", EventsView.as_view(), name="events"),
    path("engines", engines.EnginesView.as_view()),
    path("engines/<str:engine>/install", engines.InstallView.as_view()),
    path(
        "engines/<str:engine>/environments/<str:node>/<str:version>",
        engines.EnvironmentView.as_view(),
    ),
    path("overview", overview.OverviewView.as_view()),
    path("pulse", PulseView.as_view()),
    path("files", files.FilesView.as_view()),
    path("files/<str:node>/<str:entry>", files.FileView.as_view()),
    path("downloads", files.DownloadsView.as_view()),
    path("downloads/<str:node>/<str:download>/<str:action>", files.DownloadView.as_view()),
    path("logs", logs.LogsView.as_view()),
    path("nodes/<str:name>/logs", logs.NodeLogsView.as_view()),
    path("", include("apps.models.nodes.urls")),
]
