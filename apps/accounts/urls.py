from django.urls import path

from apps.accounts.faces import audit, keys, me, projects, users

urlpatterns = [
    path("audit", audit.AuditView.as_view(), name="audit"),
    path("audit/export", audit.AuditExportView.as_view(), name="audit-export"),
    path("keys", keys.KeysView.as_view(), name="keys"),
    path("keys/<str:key_id>", keys.KeyView.as_view(), name="key"),
    path("keys/<str:key_id>/rotate", keys.RotateKeyView.as_view()),
    path("me", me.MeView.as_view(), name="me"),
    path("users", users.UsersView.as_view(), name="users"),
    path("users/<str:username>", users.UserView.as_view()),
    path("users/<str:username>/password", users.UserPasswordView.as_view()),
    path("groups", users.GroupsView.as_view(), name="groups"),
    path("groups/<str:name>", users.GroupView.as_view()),
    path("groups/<str:name>/members/<str:username>", users.GroupMemberView.as_view()),
    path("projects", projects.ProjectsView.as_view(), name="projects"),
    path("projects/<str:slug>", projects.ProjectView.as_view()),
    path("projects/<str:slug>/archive", projects.ArchiveProjectView.as_view()),
    path("projects/<str:slug>/restore", projects.RestoreProjectView.as_view()),
    path("projects/<str:slug>/members", projects.MembersView.as_view()),
    path("projects/<str:slug>/members/<str:kind>/<str:name>", projects.MemberView.as_view()),
]
