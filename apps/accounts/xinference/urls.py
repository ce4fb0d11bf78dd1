"""Below ``/v1``."""

from django.urls import path

from apps.accounts.tokens.views import LogoutView, RefreshView
from apps.accounts.xinference import keys, security, users

urlpatterns = [
    path("auth/refresh", RefreshView.as_view()),
    path("auth/logout", LogoutView.as_view()),
    path("auth/me", users.MeFace.as_view()),
    #
    path("admin/setup", users.SetupFace.as_view()),
    path("admin/setup/status", users.SetupStatusFace.as_view()),
    path("admin/users", users.UsersFace.as_view()),
    path("admin/users/<str:user_id>", users.UserFace.as_view()),
    path("admin/users/<str:user_id>/password", users.UserPasswordFace.as_view()),
    path("admin/users/<str:user_id>/permissions", users.UserPermissionsFace.as_view()),
    #
    path("admin/keys", keys.KeysFace.as_view()),
    path("admin/keys/<str:key_id>", keys.KeyFace.as_view()),
    path("admin/keys/<str:key_id>/reveal", keys.RevealFace.as_view()),
    path("admin/keys/<str:key_id>/permissions", keys.KeyPermissionsFace.as_view()),
    path("admin/keys/<str:key_id>/banned", keys.KeyBannedFace.as_view()),
    path("admin/keys/<str:key_id>/unban", keys.KeyUnbanFace.as_view()),
    path("admin/keys/<str:key_id>/unban-all", keys.KeyUnbanAllFace.as_view()),
    #
    path("admin/security/rate-limit", security.RateLimitFace.as_view()),
    path("admin/security/banned-ips", security.BannedIpsFace.as_view()),
    path("admin/security/unban-ip", security.UnbanIpFace.as_view()),
    path("admin/security/unban-all-ips", security.UnbanAllIpsFace.as_view()),
    path("admin/security/banned-keys", security.BannedKeysFace.as_view()),
    path("admin/security/unban-key", security.UnbanKeyFace.as_view()),
    path("admin/security/unban-all-keys", security.UnbanAllKeysFace.as_view()),
]
