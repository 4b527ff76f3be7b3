"""Settings, all from the environment: `NFCS_*`, `DATABASE_URL`, and `NAME_FILE` for the file that holds a secret."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from core.db import embedded

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()


def read_secret(name: str) -> str:
    """The value of environment variable `name`, or the content of the file that `name_FILE` points to, or ''."""
    path = env.str(f"{name}_FILE", "")
    return Path(path).read_text().strip() if path else env.str(name, "")


def read_or_make_secret_key(path: Path) -> str:
    """The secret key in `path`; a first start writes a random one that only its owner can read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process made it first
        finally:
            draft.unlink()
    return path.read_text().strip()


DEBUG = env.bool("NFCS_DEBUG", False)
HTTPS = env.bool("NFCS_HTTPS", True)
"""Whether people reach the site by HTTPS; `manage.py up` says no for a site on the loopback address."""
DATA_DIR = Path(env.str("NFCS_DATA_DIR", "") or BASE_DIR / ".nfcs").expanduser().resolve()
ARCHIVE_DIR = Path(env.str("NFCS_ARCHIVE_DIR", "") or DATA_DIR / "archive").expanduser().resolve()
SECRET_KEY = read_secret("NFCS_SECRET_KEY") or read_or_make_secret_key(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = [key for key in re.split(r"[\s,]+", read_secret("NFCS_SECRET_KEY_FALLBACKS")) if key]
ENCRYPTION_KEYS = env.str("NFCS_ENCRYPTION_KEYS", "")
ENCRYPTION_KEYS_FILE = env.str("NFCS_ENCRYPTION_KEYS_FILE", "")
"""The keys of encrypted columns, or the file that holds them; without either `encryption_keys` in `DATA_DIR` does."""
AUDIT_SIGNING_KEY = read_secret("NFCS_AUDIT_SIGNING_KEY")
"""64 hex digits; '' for the key that a first use makes in `DATA_DIR`."""
AUDIT_TRUSTED_KEYS: list[str] = env.list("NFCS_AUDIT_TRUSTED_KEYS", [])
"""Public keys of signing keys that were replaced."""
AUDIT_CHECKPOINT_DIR = env.str("NFCS_AUDIT_CHECKPOINT_DIR", "")
"""Where a copy of every checkpoint is written; '' for nowhere."""
ALLOWED_HOSTS = env.list("NFCS_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("NFCS_CSRF_TRUSTED_ORIGINS", [])
ENVIRONMENT = env.str("NFCS_ENVIRONMENT", "production")
"""Which rows of `system_config` this process reads."""

INSTALLED_APPS = [
    "nfcs.apps.NfcsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "django_structlog",
    "core",
    "accounts",
    "kuramoto",
    "constitutional",
    "cognitive",
    "validation",
    "nfcs",
]

MIDDLEWARE = [
    "nfcs.hardening.HeadersMiddleware",
    "nfcs.middleware.LivenessMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "nfcs.metrics.MetricsMiddleware",
    "nfcs.middleware.RequestSanityMiddleware",
    "nfcs.hardening.BodyMiddleware",
    "nfcs.hardening.CrossOriginMiddleware",
    "accounts.api.middleware.KeyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "nfcs.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.CredentialsMiddleware",
    "nfcs.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "nfcs.urls"
WSGI_APPLICATION = "nfcs.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "nfcs" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def parse_database_url(url: str) -> dict[str, Any]:
    """A `postgresql://` URL as Django's connection settings; a socket directory may stand in `?host=`."""
    settings: dict[str, Any] = dict(dj_database_url.parse(url))
    options = settings.setdefault("OPTIONS", {})
    settings["HOST"] = options.pop("host", settings["HOST"])
    return settings


def database_settings(url_name: str, embedded_role: str) -> dict[str, Any]:
    """The Django connection of the URL in the environment variable `url_name`, or of the embedded server."""
    url = read_secret(url_name)
    server = None if url else embedded.from_environment()
    settings: dict[str, Any] = (
        {"NAME": "nfcs", "USER": embedded_role, "HOST": server.host} if server else parse_database_url(url)
    )
    settings |= {
        "ENGINE": "core.db.backend",
        "EMBEDDED": server,
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    # The search path comes with the role (`manage.py database prepare`): PgBouncer refuses it as a start-up option.
    settings.setdefault("OPTIONS", {}).update(application_name="nfcs")
    return settings


DATABASES = {
    "default": database_settings("DATABASE_URL", "nfcs_app"),
    "owner": database_settings(
        "NFCS_OWNER_DATABASE_URL" if read_secret("NFCS_OWNER_DATABASE_URL") else "DATABASE_URL", "nfcs_owner"
    )
    | {"ATOMIC_REQUESTS": False, "TEST": {"MIRROR": "default"}},
}
"""`default` is the runtime role; `owner` owns the tables, and only migrations and maintenance use it."""

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.NamedUserBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["nfcs.formats"]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^readyz$", "^metrics$"]
BEHIND_PROXY = env.bool("NFCS_BEHIND_PROXY", False)
"""Whether a proxy stands before the site, whose words about scheme and client are believed."""
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = env.int("NFCS_ADMIN_SESSION_S", 12 * 3600)
"""How long a session of the admin lasts at most, s."""
ADMIN_IDLE_S = env.int("NFCS_ADMIN_IDLE_S", 2 * 3600)
"""After how long a session of the admin that nobody uses ends, s."""
SESSION_DAYS = env.int("NFCS_SESSION_DAYS", 30)
"""How long a session of the API lasts at most, days."""
API_BASIC = env.bool("NFCS_API_BASIC", True)
REQUIRE_SECOND_FACTOR = env.bool("NFCS_REQUIRE_SECOND_FACTOR", False)
LOGIN_ATTEMPTS = env.int("NFCS_LOGIN_ATTEMPTS", 20)
LOGIN_ATTEMPTS_PER_ADDRESS = env.int("NFCS_LOGIN_ATTEMPTS_PER_ADDRESS", 100)
LOGIN_WINDOW_S = env.int("NFCS_LOGIN_WINDOW_S", 15 * 60)
"""Failed attempts to sign in that an account, or an address, has within the window, s."""
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
"""The largest request body, decompressed; above it the answer is 413."""
FORM_MAX_BYTES = 4 * 1024 * 1024
"""The largest body outside the API: a form of the admin."""
INGEST_MAX_BYTES = env.int("NFCS_INGEST_MAX_BYTES", 4 << 30)
"""The largest body of telemetry that is streamed (NDJSON, Arrow), decompressed."""
INGEST_MAX_ROWS = env.int("NFCS_INGEST_MAX_ROWS", 20_000_000)
"""Rows of the largest body of telemetry that is streamed."""
INGEST_CONCURRENCY = env.int("NFCS_INGEST_CONCURRENCY", 4)
"""Batches that a web process stores at once; others wait INGEST_WAIT_S and are then answered 429."""
INGEST_WAIT_S = env.float("NFCS_INGEST_WAIT_S", 5.0)
"""How long a batch waits for its turn, and for a lock, before the answer is 429."""
IDEMPOTENCY_HOURS = env.int("NFCS_IDEMPOTENCY_HOURS", 24)
"""How long an Idempotency-Key is remembered."""
STREAMS = env.int("NFCS_STREAMS", 4)
"""Streams of events that a web process serves at once, each with a thread; one more is answered 503."""
STREAM_S = env.float("NFCS_STREAM_S", 300.0)
"""How long a stream of events lasts; clients come back by themselves, and go on where they were."""


def read_limit(name: str) -> tuple[int, int] | None:
    """A rate limit, `REQUESTS_A_MINUTE` or `REQUESTS_A_MINUTE/AT_ONCE`, of the environment; None where it is not set.

    A tenth of the requests a minute may come at once where nothing else is said.
    """
    text = env.str(name, "")
    if not text:
        return None
    per_minute, _, burst = text.partition("/")
    limit = int(per_minute), int(burst) if burst else max(int(per_minute) // 10, 1)
    if min(limit) < 1:
        raise ImproperlyConfigured(f"{name} is REQUESTS_A_MINUTE/AT_ONCE, both of at least 1")
    return limit


RATE_LIMIT_USER = read_limit("NFCS_RATE_LIMIT_USER")
"""Of the API's requests of one user without a key: a minute, and at once."""
RATE_LIMIT_ANONYMOUS = read_limit("NFCS_RATE_LIMIT_ANONYMOUS")
"""Of the API's requests from one address where nobody is signed in."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.Bearer",
        "accounts.api.key_authentication.ApiKeyAuthentication",
        "accounts.api.authentication.AdminSession",
        "accounts.api.authentication.Basic",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.ModelPermissions"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.TimeCursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.handle_exception",
    "PAGE_SIZE": 100,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "NFCS",
    "DESCRIPTION": "The system of record for neural field control systems.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "AuthKindEnum": "accounts.choices.AuthKind",
        "ChannelKindEnum": "validation.choices.ChannelKind",
        "DeliveryStatusEnum": "validation.choices.DeliveryStatus",
        "KeyOutcomeEnum": "accounts.choices.KeyOutcome",
        "KeyStateEnum": "accounts.choices.KeyState",
        "NetworkStatusEnum": "core.choices.NetworkStatus",
        "NeuronEventEnum": "core.choices.NeuronEventKind",
        "NeuronStateEnum": "core.choices.NeuronState",
        "PartnerStatusEnum": "accounts.choices.PartnerStatus",
        "RunKindEnum": "core.choices.RunKind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.describe_operations",
    ],
}

_mail: dict[str, Any] = dj_email_url.parse(read_secret("NFCS_EMAIL_URL") or "dummy:")
EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"] or None
EMAIL_HOST = _mail["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = _mail["EMAIL_TIMEOUT"] or 10
DEFAULT_FROM_EMAIL = env.str("NFCS_EMAIL_FROM", "nfcs@localhost")
SECRETS_DIR = env.str("NFCS_SECRETS_DIR", "")
"""Where named secrets lie, one a file; '' where the environment holds them."""
_networks: list[str] = env.list("NFCS_WEBHOOK_ALLOW_PRIVATE", [])
WEBHOOK_ALLOW_PRIVATE = [ipaddress.ip_network(text.strip()) for text in _networks]
"""Networks to which webhooks may go though they are private, and without encryption."""

PROCRASTINATE_ON_APP_READY = "nfcs.jobs.on_app_ready"

DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
"""Django's own log has them as warnings."""
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "nfcs.logs.make_json_formatter"},
        "plain": {"()": "nfcs.logs.make_plain_formatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": env.str("NFCS_LOG_FORMAT", "plain")},
    },
    "root": {"handlers": ["stderr"], "level": env.str("NFCS_LOG_LEVEL", "WARNING")},
}
