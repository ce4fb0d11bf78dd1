"""Below ``/v1``. The gateway answers ``GET /v1/models`` and ``GET /v1/models/{uid}`` itself, from
memory, and lets through what it does not know (``apps.inference.gateway.routes``)."""

from django.urls import path

from apps.models.xinference import (
    audit,
    autostart,
    cache,
    catalogue,
    cluster,
    downloads,
    engines,
    environments,
    favorites,
    history,
    launches,
    logs,
    processes,
    recommending,
    registrations,
    reloads,
    replicas,
)
from apps.models.xinference.waiting import waiting

urlpatterns = [
    path("cluster/auth", cluster.AuthFace.as_view()),
    path("cluster/info", cluster.InfoFace.as_view()),
    path("cluster/version", cluster.VersionFace.as_view()),
    path("cluster/devices", cluster.DevicesFace.as_view()),
    path("cluster/logs", logs.LogsFace.as_view()),
    path("clusters", cluster.ClustersFace.as_view()),
    path("audit/search", audit.SearchFace.as_view()),
    path("audit/filter-options", audit.OptionsFace.as_view()),
    path("address", cluster.AddressFace.as_view()),
    path("supervisor", cluster.SupervisorFace.as_view()),
    path("workers", cluster.WorkersFace.as_view()),
    #
    path("api/relaunch", processes.ApiRelaunchFace.as_view()),
    path("api-relaunches", processes.ApiRelaunchesFace.as_view()),
    path("api-relaunches/<str:operation_id>", processes.OneApiRelaunchFace.as_view()),
    path("supervisor/relaunch", processes.SupervisorRelaunchFace.as_view()),
    path("supervisor-relaunches", processes.SupervisorRelaunchesFace.as_view()),
    path("supervisor-relaunches/<str:operation_id>", processes.OneSupervisorRelaunchFace.as_view()),
    path("workers/<str:worker_address>/relaunch", processes.WorkerRelaunchFace.as_view()),
    path("worker-relaunches", processes.WorkerRelaunchesFace.as_view()),
    path("worker-relaunches/<str:operation_id>", processes.OneWorkerRelaunchFace.as_view()),
    #
    path("autostart/models", autostart.AutostartFace.as_view()),
    path("autostart/models/summary", autostart.SummaryFace.as_view()),
    path("autostart/models/<str:model_uid>", autostart.OneAutostartFace.as_view()),
    #
    path("engines/<str:model_name>", engines.LanguageEnginesFace.as_view()),
    path("engines/<str:model_type>/<str:model_name>", engines.EnginesFace.as_view()),
    path("models/vllm-supported", engines.VllmFace.as_view()),
    #
    path("models", waiting(launches.LaunchesFace)),
    path("models/instance", waiting(launches.VersionLaunchFace)),
    path("models/instances", launches.InstancesFace.as_view()),
    path("models/recommend", recommending.RecommendFace.as_view()),
    path("models/prompts", catalogue.PromptsFace.as_view()),
    path("models/families", catalogue.FamiliesFace.as_view()),
    path("models/<str:model_type>/<str:model_name>/versions", cache.VersionsFace.as_view()),
    path("models/<str:model_uid>", launches.LaunchFace.as_view()),
    path("models/<str:model_uid>/progress", launches.ProgressFace.as_view()),
    path("models/<str:model_uid>/cancel", launches.CancelFace.as_view()),
    path("models/<str:model_uid>/events", launches.EventsFace.as_view()),
    path("models/<str:model_uid>/reload", reloads.ReloadFace.as_view()),
    path("models/<str:model_uid>/reload/config", reloads.ReloadConfigFace.as_view()),
    path("models/<str:model_uid>/replicas", waiting(replicas.ReplicasFace)),
    path("models/<str:model_uid>/replicas/<int:replica_id>", replicas.ReplicaFace.as_view()),
    path("launch_history", history.HistoryFace.as_view()),
    path("launch_history/<str:model_name>", history.EntryFace.as_view()),
    path("launch_history/<path:model_name>/<str:model_uid>", history.LaunchEntryFace.as_view()),
    path("model_favorites", favorites.FavoritesFace.as_view()),
    #
    path("model_registrations/<str:model_type>", registrations.RegistrationsFace.as_view()),
    path(
        "model_registrations/<str:model_type>/<str:model_name>",
        registrations.RegistrationFace.as_view(),
    ),
    #
    path("cache/models", cache.CacheFace.as_view()),
    path("cache/models/files", cache.FilesFace.as_view()),
    path("cache/models/<str:cache_uid>/progress", cache.CacheProgressFace.as_view()),
    path("cache/models/<str:cache_uid>/cancel", cache.CacheCancelFace.as_view()),
    path("downloads", downloads.DownloadsFace.as_view()),
    path("downloads/<str:cache_uid>", downloads.DownloadFace.as_view()),
    path("downloads/<str:cache_uid>/pause", downloads.PauseFace.as_view()),
    path("downloads/<str:cache_uid>/resume", downloads.ResumeFace.as_view()),
    path("virtualenvs", environments.EnvironmentsFace.as_view()),
    path("virtualenvs/packages", environments.PackagesFace.as_view()),
]
