from django.urls import path

from apps.models.nodes import views

urlpatterns = [
    path("nodes", views.NodesView.as_view(), name="nodes"),
    path("nodes/join", views.JoinView.as_view(), name="join"),
    path("nodes/<str:name>", views.NodeView.as_view(), name="node"),
    path("nodes/<str:name>/cordon", views.CordonView.as_view(), name="cordon"),
    path("nodes/<str:name>/uncordon", views.UncordonView.as_view(), name="uncordon"),
    path("nodes/<str:name>/drain", views.DrainView.as_view(), name="drain"),
    path("join-tokens", views.JoinTokensView.as_view(), name="join-tokens"),
    path("join-tokens/<str:token_id>", views.JoinTokenView.as_view(), name="join-token"),
]
