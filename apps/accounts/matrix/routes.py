"""Every route of the product, and the action that each of its methods is.

Patterns are written as in the OpenAPI document: ``{name}`` is one parameter. ``thing`` says what a
parameter names: if that is not there, or of a project that the caller does not see, the answer is
404, whatever the caller may do. What names a thing in its body or its query looks by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Route:
    methods: frozenset[str]
    pattern: str
    #: of ``actions.ACTIONS``
    action: str
    #: (parameter, kind of thing); the kind is registered in ``apps.accounts.things``
    thing: tuple[str, str] | None = None


#: what a WebSocket is asked for by
WEBSOCKET: Final = "WEBSOCKET"
#: routes of Django's admin, which lets in staff and asks its own permissions for each page
ADMIN: Final = "/admin/"

_LAUNCH: Final = ("uid", "launch")
_APPLICATION: Final = ("client_id", "application")
_MODEL: Final = ("model_uid", "launch")
_KEY: Final = ("key_id", "key")
_PROJECT: Final = ("slug", "project")
_WEBHOOK: Final = ("webhook_id", "webhook")


def _(methods: str, pattern: str, action: str, thing: tuple[str, str] | None = None) -> Route:
    return Route(frozenset(methods.split()), pattern, action, thing)


ROUTES: Final[tuple[Route, ...]] = (
    # --- pages and probes
    _("GET", "/", "public"),
    # The console is for all who come: what it shows it asks for like anybody else.
    _("GET", "/ui", "public"),
    _("GET", "/ui/", "public"),
    _("GET", "/ui/{path}", "public"),
    _("GET", "/docs", "public"),
    _("GET", "/docs/openapi.json", "public"),
    _("GET HEAD", "/healthz", "public"),
    _("GET HEAD", "/readyz", "public"),
    # In short for all; what runs, for those who may see it.
    _("GET", "/status", "public"),
    _("GET", "/metrics", "public"),
    # --- logins: who shows a password or a token asks for nothing else
    _("POST", "/token", "public"),
    _("POST", "/v1/auth/refresh", "public"),
    _("POST", "/v1/auth/logout", "public"),
    # Whoever has the set-up code, while there is no administrator.
    _("GET", "/v1/admin/setup/status", "public"),
    _("POST", "/v1/admin/setup", "public"),
    _("GET POST DELETE", "/api/session", "public"),
    _("POST", "/api/session/passkey", "public"),
    # For the session's own cookie, which it checks itself.
    _("POST", "/api/session/token", "public"),
    _("GET", "/api/settings", "settings.read"),
    # --- secrets towards others: entered, never shown
    _("GET", "/api/settings/secrets", "settings.read"),
    _("PUT DELETE", "/api/settings/secrets/{name}", "settings.write"),
    # --- inference: answered by the gateway, from memory
    _("POST", "/v1/chat/completions", "models.use"),
    _("POST", "/v1/completions", "models.use"),
    _("POST", "/v1/embeddings", "models.use"),
    _("POST", "/v1/tokenize", "models.use"),
    _("POST", "/v1/detokenize", "models.use"),
    _("GET", "/v1/models", "models.read"),
    _("GET", "/v1/models/{id}", "models.read"),
    _("GET", "/v1/requests/{rid}/progress", "models.use"),
    _("POST", "/v1/models/{uid}/requests/{rid}/abort", "models.use"),
    # --- launches
    _("GET", "/api/launches", "launches.read"),
    _("POST", "/api/launches", "launches.write"),
    _("GET", "/api/launches/{uid}", "launches.read", _LAUNCH),
    _("DELETE", "/api/launches/{uid}", "launches.write", _LAUNCH),
    _("PUT", "/api/launches/{uid}/adapters", "launches.write", _LAUNCH),
    _("POST", "/api/launches/{uid}/cancel", "launches.write", _LAUNCH),
    _("PUT", "/api/launches/{uid}/keeping", "launches.write", _LAUNCH),
    _("POST", "/api/launches/{uid}/relaunch", "launches.write", _LAUNCH),
    _("PUT POST", "/api/launches/{uid}/replicas", "launches.write", _LAUNCH),
    _("DELETE", "/api/launches/{uid}/replicas/{replica}", "launches.write", _LAUNCH),
    _("POST", "/api/launches/{uid}/replicas/{replica}/move", "launches.write", _LAUNCH),
    _("GET", "/api/launches/{uid}/requests", "launches.read", _LAUNCH),
    # One's own; for those of others the face asks for `launches.write`.
    _("DELETE", "/api/launches/{uid}/requests/{rid}", "models.use", _LAUNCH),
    _("PUT", "/api/launches/{uid}/sharing", "launches.share", _LAUNCH),
    # --- what can be launched by a name
    _("GET", "/api/registrations", "registrations.read"),
    _("POST", "/api/registrations", "registrations.write"),
    _("GET", "/api/registrations/{kind}/{name}", "registrations.read", ("name", "registration")),
    _(
        "DELETE",
        "/api/registrations/{kind}/{name}",
        "registrations.write",
        ("name", "registration"),
    ),
    _("GET", "/api/catalogue", "registrations.read"),
    _("GET", "/api/catalogue/{kind}/{name}", "registrations.read"),
    _("GET", "/api/engine-options", "registrations.read"),
    _("GET", "/api/catalogue/{kind}/{name}/ways", "registrations.read"),
    # A node reads files, or asks a hub for them.
    _("GET", "/api/estimate", "launches.write"),
    _("GET", "/api/sources", "launches.write"),
    # --- what happened
    _("GET", "/api/events", "events.read"),
    _(WEBSOCKET, "/ws/events", "events.read"),
    # Nodes are in both for those who may see them.
    _("GET", "/api/overview", "launches.read"),
    _("GET", "/api/pulse", "launches.read"),
    _("GET", "/api/logs", "logs.read"),
    _("GET", "/api/nodes/{name}/logs", "logs.read"),
    # --- whom else it is told
    _("GET POST", "/api/webhooks", "project.manage"),
    _("GET PATCH DELETE", "/api/webhooks/{webhook_id}", "project.manage", _WEBHOOK),
    _("POST", "/api/webhooks/{webhook_id}/secret", "project.manage", _WEBHOOK),
    _("POST", "/api/webhooks/{webhook_id}/test", "project.manage", _WEBHOOK),
    # --- files on the nodes: the same for all projects
    _("GET", "/api/files", "files.read"),
    _("DELETE", "/api/files/{node}/{entry}", "files.write"),
    _("POST", "/api/downloads", "files.write"),
    _("POST", "/api/downloads/{node}/{download}/{action}", "files.write"),
    # --- engines and their environments on the nodes
    _("GET", "/api/engines", "nodes.read"),
    _("POST", "/api/engines/{engine}/install", "settings.write"),
    _("DELETE", "/api/engines/{engine}/environments/{node}/{version}", "settings.write"),
    # --- machines
    _("GET", "/api/nodes", "nodes.read"),
    # A machine shows its join token.
    _("POST", "/api/nodes/join", "public"),
    _("GET", "/api/nodes/{name}", "nodes.read"),
    _("PATCH DELETE", "/api/nodes/{name}", "nodes.write"),
    _("POST", "/api/nodes/{name}/cordon", "nodes.write"),
    _("POST", "/api/nodes/{name}/uncordon", "nodes.write"),
    _("POST", "/api/nodes/{name}/drain", "nodes.write"),
    _("GET POST", "/api/join-tokens", "cluster.write"),
    _("GET DELETE", "/api/join-tokens/{token_id}", "cluster.write"),
    # --- keys
    _("GET POST", "/api/keys", "keys.own"),
    _("GET DELETE", "/api/keys/{key_id}", "keys.own", _KEY),
    _("POST", "/api/keys/{key_id}/rotate", "keys.own", _KEY),
    # --- people and projects
    _("GET", "/api/me", "self.read"),
    _("PUT", "/api/me/password", "self.write"),
    _("GET", "/api/me/logins", "self.read"),
    _("DELETE", "/api/me/logins", "self.write"),
    _("DELETE", "/api/me/logins/{login_id}", "self.write"),
    _("GET", "/api/me/second-factor", "self.read"),
    _("POST", "/api/me/second-factor/authenticator", "self.write"),
    _("POST", "/api/me/second-factor/authenticator/confirm", "self.write"),
    _("POST", "/api/me/second-factor/authenticator/remove", "self.write"),
    _("POST", "/api/me/second-factor/recovery-codes", "self.write"),
    _("GET", "/api/me/passkeys", "self.read"),
    _("POST", "/api/me/passkeys", "self.write"),
    _("POST", "/api/me/passkeys/question", "self.write"),
    _("POST", "/api/me/passkeys/{passkey_id}/remove", "self.write"),
    _("GET", "/api/lockouts", "users.manage"),
    _("POST", "/api/lockouts/unlock", "users.manage"),
    _("DELETE", "/api/users/{username}/second-factor", "users.manage"),
    _("GET POST", "/api/users", "users.manage"),
    _("GET PATCH DELETE", "/api/users/{username}", "users.manage"),
    _("PUT", "/api/users/{username}/password", "users.manage"),
    _("GET POST", "/api/groups", "users.manage"),
    _("GET DELETE", "/api/groups/{name}", "users.manage"),
    _("PUT DELETE", "/api/groups/{name}/members/{username}", "users.manage"),
    # One's own; superusers see all.
    _("GET", "/api/projects", "self.read"),
    _("POST", "/api/projects", "projects.create"),
    _("GET", "/api/projects/{slug}", "project.read", _PROJECT),
    _("PATCH", "/api/projects/{slug}", "project.manage", _PROJECT),
    _("POST", "/api/projects/{slug}/archive", "project.manage", _PROJECT),
    _("POST", "/api/projects/{slug}/restore", "projects.create", _PROJECT),
    _("GET", "/api/projects/{slug}/members", "project.read", _PROJECT),
    _("PUT DELETE", "/api/projects/{slug}/members/{kind}/{name}", "project.manage", _PROJECT),
    # --- limits, prices, usage
    _("GET", "/api/limits", "limits.read"),
    _("POST", "/api/limits", "limits.write"),
    _("GET", "/api/limits/{limit_id}", "limits.read", ("limit_id", "limit")),
    _("PATCH DELETE", "/api/limits/{limit_id}", "limits.write", ("limit_id", "limit")),
    _("GET", "/api/prices", "limits.read"),
    _("POST", "/api/prices", "prices.write"),
    _("PATCH DELETE", "/api/prices/{price_id}", "prices.write"),
    # Whoever may see no more sees its own.
    _("GET", "/api/usage", "usage.own"),
    # --- the audit
    _("GET", "/api/audit", "audit.read"),
    _("GET", "/api/audit/export", "audit.read"),
    _("GET", "/v1/audit/search", "audit.read"),
    _("GET", "/v1/audit/filter-options", "audit.read"),
    # --- OAuth: who asks shows a secret, a code or a token of their own, or signs in on the page
    _("GET", "/.well-known/openid-configuration", "public"),
    _("GET", "/.well-known/oauth-authorization-server", "public"),
    _("GET", "/.well-known/jwks.json", "public"),
    _("GET POST", "/oauth/authorize", "public"),
    _("GET POST", "/oauth/sign-in", "public"),
    _("POST", "/oauth/token", "public"),
    _("POST", "/oauth/revoke", "public"),
    _("POST", "/oauth/introspect", "public"),
    _("POST", "/oauth/device-authorization", "public"),
    _("GET POST", "/oauth/userinfo", "public"),
    _("GET POST", "/oauth/logout", "public"),
    _("GET POST", "/device", "public"),
    _("GET POST", "/api/applications", "keys.manage"),
    _("GET PATCH DELETE", "/api/applications/{client_id}", "keys.manage", _APPLICATION),
    _("POST", "/api/applications/{client_id}/secret", "keys.manage", _APPLICATION),
    _("GET", "/api/authorizations", "self.read"),
    _("DELETE", "/api/authorizations/{client_id}", "self.write"),
    # --- Xinference: people and keys
    _("GET", "/v1/auth/me", "self.read"),
    _("GET POST", "/v1/admin/users", "users.manage"),
    _("GET PUT DELETE", "/v1/admin/users/{user_id}", "users.manage"),
    # One's own with the old one; for another's the action asks for users.manage.
    _("PUT", "/v1/admin/users/{user_id}/password", "self.write"),
    _("GET PUT", "/v1/admin/users/{user_id}/permissions", "users.manage"),
    _("GET POST", "/v1/admin/keys", "keys.own"),
    _("GET PUT DELETE", "/v1/admin/keys/{key_id}", "keys.own", _KEY),
    _("GET", "/v1/admin/keys/{key_id}/reveal", "keys.own", _KEY),
    _("GET PUT", "/v1/admin/keys/{key_id}/permissions", "keys.own", _KEY),
    _("GET", "/v1/admin/keys/{key_id}/banned", "keys.own", _KEY),
    _("POST", "/v1/admin/keys/{key_id}/unban", "keys.own", _KEY),
    _("POST", "/v1/admin/keys/{key_id}/unban-all", "keys.own", _KEY),
    _("GET PUT", "/v1/admin/security/rate-limit", "users.manage"),
    _("GET", "/v1/admin/security/banned-ips", "users.manage"),
    _("POST", "/v1/admin/security/unban-ip", "users.manage"),
    _("POST", "/v1/admin/security/unban-all-ips", "users.manage"),
    _("GET", "/v1/admin/security/banned-keys", "users.manage"),
    _("POST", "/v1/admin/security/unban-key", "users.manage"),
    _("POST", "/v1/admin/security/unban-all-keys", "users.manage"),
    # --- single sign-on: the provider's answer says who it is
    _("GET", "/sso/{name}/login", "public"),
    _("GET", "/sso/{name}/callback", "public"),
    _("POST", "/sso/logout", "public"),
    _("GET", "/api/oidc/authorize", "public"),
    _("GET", "/api/oidc/callback", "public"),
    _("GET", "/api/sso", "public"),
    _("GET POST", "/api/sso/providers", "users.manage"),
    _("GET PATCH DELETE", "/api/sso/providers/{name}", "users.manage"),
    _("POST", "/api/sso/providers/{name}/check", "users.manage"),
    # --- Xinference: the cluster
    _("GET", "/v1/cluster/auth", "public"),
    _("GET", "/v1/cluster/version", "self.read"),
    _("GET", "/v1/address", "self.read"),
    _("GET", "/v1/supervisor", "self.read"),
    _("GET", "/v1/cluster/info", "nodes.read"),
    _("GET", "/v1/cluster/devices", "nodes.read"),
    _("GET", "/v1/workers", "nodes.read"),
    _("GET", "/v1/cluster/logs", "logs.read"),
    _("DELETE", "/v1/clusters", "cluster.write"),
    _("POST", "/v1/api/relaunch", "cluster.write"),
    _("GET", "/v1/api-relaunches", "cluster.write"),
    _("GET", "/v1/api-relaunches/{operation_id}", "cluster.write"),
    _("POST", "/v1/supervisor/relaunch", "cluster.write"),
    _("GET", "/v1/supervisor-relaunches", "cluster.write"),
    _("GET", "/v1/supervisor-relaunches/{operation_id}", "cluster.write"),
    _("POST", "/v1/workers/{worker_address}/relaunch", "cluster.write"),
    _("GET", "/v1/worker-relaunches", "cluster.write"),
    _("GET", "/v1/worker-relaunches/{operation_id}", "cluster.write"),
    # --- Xinference: models that run
    _("POST", "/v1/models", "launches.write"),
    _("POST", "/v1/models/instance", "launches.write"),
    _("GET", "/v1/models/instances", "launches.read"),
    _("DELETE", "/v1/models/{model_uid}", "launches.write", _MODEL),
    # Asked for beside the request to launch, which may not have arrived yet: of what the caller
    # does not see it says the same as of what is not there yet.
    _("GET", "/v1/models/{model_uid}/progress", "launches.read"),
    _("POST", "/v1/models/{model_uid}/cancel", "launches.write", _MODEL),
    _("GET", "/v1/models/{model_uid}/events", "events.read"),
    _("GET", "/v1/models/{model_uid}/reload", "launches.read", _MODEL),
    _("POST", "/v1/models/{model_uid}/reload", "launches.write", _MODEL),
    _("GET", "/v1/models/{model_uid}/reload/config", "launches.read", _MODEL),
    _("GET", "/v1/models/{model_uid}/replicas", "launches.read", _MODEL),
    _("POST", "/v1/models/{model_uid}/replicas", "launches.write", _MODEL),
    _("DELETE", "/v1/models/{model_uid}/replicas/{replica_id}", "launches.write", _MODEL),
    _("GET", "/v1/autostart/models", "launches.read"),
    _("POST", "/v1/autostart/models", "launches.write"),
    _("GET", "/v1/autostart/models/summary", "launches.read"),
    # What is not on the list need not be taken off.
    _("DELETE", "/v1/autostart/models/{model_uid}", "launches.write"),
    # Everybody's own lists.
    _("GET POST", "/v1/launch_history", "launches.read"),
    _("DELETE", "/v1/launch_history/{model_name}", "launches.read"),
    _("DELETE", "/v1/launch_history/{model_name}/{model_uid}", "launches.read"),
    _("GET PUT DELETE", "/v1/model_favorites", "launches.read"),
    # --- Xinference: what can be launched
    _("GET", "/v1/engines/{model_name}", "registrations.read"),
    _("GET", "/v1/engines/{model_type}/{model_name}", "registrations.read"),
    _("GET", "/v1/models/vllm-supported", "registrations.read"),
    _("GET", "/v1/models/prompts", "registrations.read"),
    _("GET", "/v1/models/families", "registrations.read"),
    _("POST", "/v1/models/recommend", "launches.write"),
    _("GET", "/v1/models/{model_type}/{model_name}/versions", "registrations.read"),
    _("GET", "/v1/model_registrations/{model_type}", "registrations.read"),
    _("POST", "/v1/model_registrations/{model_type}", "registrations.write"),
    # The catalogue's families have their place here, too: the face looks whose a name is.
    _("GET", "/v1/model_registrations/{model_type}/{model_name}", "registrations.read"),
    _(
        "DELETE",
        "/v1/model_registrations/{model_type}/{model_name}",
        "registrations.write",
        ("model_name", "registration"),
    ),
    # --- Xinference: files on the nodes
    _("GET", "/v1/cache/models", "files.read"),
    _("POST DELETE", "/v1/cache/models", "files.write"),
    _("GET", "/v1/cache/models/files", "files.read"),
    _("GET", "/v1/cache/models/{cache_uid}/progress", "files.read"),
    _("POST", "/v1/cache/models/{cache_uid}/cancel", "files.write"),
    _("GET", "/v1/downloads", "files.read"),
    _("DELETE", "/v1/downloads/{cache_uid}", "files.write"),
    _("POST", "/v1/downloads/{cache_uid}/pause", "files.write"),
    _("POST", "/v1/downloads/{cache_uid}/resume", "files.write"),
    _("GET", "/v1/virtualenvs", "files.read"),
    _("DELETE", "/v1/virtualenvs", "files.write"),
    _("GET", "/v1/virtualenvs/packages", "files.read"),
)

_BY_PATTERN: Final[dict[str, list[Route]]] = {}
for _route in ROUTES:
    _BY_PATTERN.setdefault(_route.pattern, []).append(_route)


def entry(method: str, pattern: str) -> Route | None:
    """What a method of a pattern is. ``HEAD`` is ``GET``. A method that the route does not have
    counts as its first one, so that who may see nothing of it is not told which it has. None: the
    pattern is not known, and nobody may anything."""
    wanted = "GET" if method == "HEAD" else method
    known = _BY_PATTERN.get(pattern, ())
    return next((one for one in known if wanted in one.methods), known[0] if known else None)


@lru_cache(maxsize=1000)
def as_pattern(route: str) -> str:
    """A route of Django's as the OpenAPI document, and so this table, writes it."""
    return "/" + re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", route)
