"""Django's settings. What a person may set is in ``xplatform.core.config``; this translates."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from pathlib import Path
from typing import Any

from apps.accounts.oauth.codes import user_code
from apps.accounts.oauth.signing import ID_TOKEN_SECONDS, signing_key
from apps.accounts.records import KEY_STATES
from apps.metering.rules import KINDS as LIMIT_KINDS
from apps.models.states import LaunchState, ReplicaState
from xplatform.core.config import settings as _load
from xplatform.core.keyring import Keyring
from xplatform.core.web_rules import read_hosts
from xplatform.database import database

_settings = _load()

# `manage.py rotate_secrets` makes a new one and keeps the old for as long as sessions last.
SECRET_KEY, *SECRET_KEY_FALLBACKS = Keyring(
    _settings.home_path / "secrets" / "django", partial(secrets.token_urlsafe, 48)
).values()
DEBUG = False
_hosts = read_hosts(_settings.allowed_hosts)
# Unless somebody says so, the names by which people reach the server are not known. Nothing that is
# sent or stored is built from the Host header, and cookies belong to the name in the address bar,
# so a foreign name gains nothing.
ALLOWED_HOSTS = [*_hosts, "localhost", "127.0.0.1", "[::1]"] if _hosts else ["*"]

ROOT_URLCONF = "xplatform.urls"
INSTALLED_APPS = [
    "apps.audit.apps.AuditConfig",
    "apps.accounts.apps.AccountsConfig",
    "apps.metering.apps.MeteringConfig",
    "apps.models.apps.ModelsConfig",
    "apps.webhooks.apps.WebhooksConfig",
    "apps.inference.apps.InferenceConfig",
    "apps.accounts.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "apps.audit.middleware.ActingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "xplatform.pages.PagePolicy",
    "xplatform.texts.NoNul",
    "xplatform.staticfiles.StaticFiles",
    "xplatform.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "xplatform.pages.csp_nonce",
            ]
        },
    }
]

DATABASES = {"default": database(_settings.database, _settings.home_path)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# scrypt is as safe as a million rounds of PBKDF2 and does not hold up the first start.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "apps.accounts.oauth.secrets.ClientSecretHasher",
]

# Cookies do not know ports: other servers on this machine must not share ours.
SESSION_COOKIE_NAME = "xplatform_session"
CSRF_COOKIE_NAME = "xplatform_csrf"
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
# Over TLS a browser must never send them in the clear, not even once.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(_settings.tls_cert) or _settings.behind_tls
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "oauth2_provider:sign-in"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"

# Files of the admin and of the API pages are served from the packages themselves: no collectstatic.
STATIC_URL = "/static/"
STATIC_ROOT: str | None = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Requests of the hot path never come here; this guards the forms and /api.
DATA_UPLOAD_MAX_MEMORY_SIZE = min(_settings.max_body_mb, 32) * 1024 * 1024

# Whoever starts the process has set up logging already.
LOGGING_CONFIG = None
# A caller's mistake is answered, and is no warning to the operator.
logging.getLogger("django.request").setLevel(logging.ERROR)

REST_FRAMEWORK = {
    # Models have a format; answers have one only, and need no parameter to choose it.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.permission.MatrixPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "xplatform.rest.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NON_FIELD_ERRORS_KEY": "body",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "xplatform",
    "DESCRIPTION": "Model serving: the OpenAI-compatible surface under `/v1`, and the management"
    " of models, launches, nodes and keys under `/api`.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "displayRequestDuration": True},
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    # Several things have a field "state" or "kind", each with words of its own.
    "ENUM_NAME_OVERRIDES": {
        "LaunchState": [state.value for state in LaunchState],
        "ReplicaState": [state.value for state in ReplicaState],
        "NodeState": ["up", "silent"],
        "KeyState": list(KEY_STATES),
        "LimitKind": list(LIMIT_KINDS),
        "ModelKind": ["llm", "embedding", "rerank", "image", "audio", "video", "flexible"],
        "JoinTokenState": ["active", "revoked", "expired"],
        "WebhookState": ["up_to_date", "waiting", "silent"],
        "ModelOrigin": ["built_in", "launch", "registered"],
        "InFlightState": ["waiting", "running"],
        "Role": ["viewer", "developer", "admin", "owner"],
        # Of Structs, which tell their words sorted.
        "EngineState": ["installing", "missing", "partial", "ready", "unknown"],
        "EnvironmentState": ["partial", "ready"],
        "SettingOrigin": ["default", "environment", "file", "flag"],
        "AttentionKind": ["cluster", "device", "disk", "download", "launch", "node"],
        "DownloadState": ["cancelled", "done", "failed", "paused", "queued", "running"],
        "Hub": ["huggingface", "modelscope", "path", "uri"],
        "ModelFormat": ["awq", "bnb", "fp4", "fp8", "ggufv2", "gptq", "mlx", "pytorch"],
        "CompanionRole": ["controlnet", "draft", "lightning", "text_encoder", "vae"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "xplatform.document.add_v1",
        "apps.accounts.oauth.openapi.add_oauth",
        "xplatform.document.add_errors",
    ],
}

OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.Application"
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": _settings.public_url,
    # The toolkit asks whether there is one; what signs is read anew each time, since it rotates.
    "OIDC_RSA_PRIVATE_KEY": signing_key(),
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    # Logging out of the browser does not stop programs: their tokens are revoked one by one.
    "OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS": False,
    "OAUTH2_VALIDATOR_CLASS": "apps.accounts.oauth.validator.Validator",
    "SCOPES_BACKEND_CLASS": "apps.accounts.oauth.scopes.Scopes",
    "CLIENT_ID_GENERATOR_CLASS": "apps.accounts.oauth.secrets.ClientId",
    "CLIENT_SECRET_GENERATOR_CLASS": "apps.accounts.oauth.secrets.ClientSecret",
    "CLIENT_SECRET_HASHER": "xplatform_client_secret",
    "ACCESS_TOKEN_GENERATOR": "apps.accounts.oauth.secrets.access_token",
    "REFRESH_TOKEN_GENERATOR": "apps.accounts.oauth.secrets.refresh_token",
    "APPLICATION_ADMIN_CLASS": "apps.accounts.oauth.admin.ApplicationAdmin",
    "ACCESS_TOKEN_ADMIN_CLASS": "apps.accounts.oauth.admin_tokens.AccessTokenAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "apps.accounts.oauth.admin_tokens.RefreshTokenAdmin",
    "ID_TOKEN_ADMIN_CLASS": "apps.accounts.oauth.admin_tokens.IDTokenAdmin",
    "GRANT_ADMIN_CLASS": "apps.accounts.oauth.admin_tokens.GrantAdmin",
    "ACCESS_TOKEN_EXPIRE_SECONDS": int(_settings.access_token_minutes * 60),
    "ID_TOKEN_EXPIRE_SECONDS": ID_TOKEN_SECONDS,
    # Rotated at each use; one that is used twice takes its whole family with it.
    "REFRESH_TOKEN_EXPIRE_SECONDS": int(_settings.refresh_token_days * 86400),
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "DEVICE_FLOW_INTERVAL": 2,
    "OAUTH_DEVICE_USER_CODE_GENERATOR": user_code,
    # Each answer has the address under which it was asked for: see endpoints.DeviceAuthorization.
    "OAUTH_DEVICE_VERIFICATION_URI": "/device",
    # The toolkit's own finds devices by their code in clear, which no table has here.
    "OAUTH_PRE_TOKEN_VALIDATION": [],
    # Tokens are kept as their SHA-256; no implicit and no password grant, PKCE by S256 alone,
    # tokens in headers alone, answers that name their issuer (RFC 9700, RFC 9207).
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
# http is for programs on the user's own machine: see applications.check_redirect.
SILENCED_SYSTEM_CHECKS = [
    "oauth2_provider.W008",
    # HSTS and the way to https are the affair of `xplatform.door`, for the answers that Django
    # never sees as well; `xplatform.W001` asks for TLS.
    "security.W004",
    "security.W008",
]

#: for tests and tools that look for it
BASE_DIR = Path(__file__).resolve().parent.parent
