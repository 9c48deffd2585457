"""Settings, read once from the environment; a missing or invalid variable stops the start.

The text below each variable, and its default, form its row in the README's table, which `make docs`
writes. `make run` sets `DEMO=true` and the variables it needs; otherwise every variable marked
"required" must be set.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Identity and addresses ----------------------------------------------------------------------

DEMO = env.yes_or_no("DEMO", default=False)
"""For trying the portal out on your own machine: allows http, sends e-mails to the terminal, and
requires a `PUBLIC_URL` on `localhost` or the like.
"""

DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY")
"""Signs sessions and links in e-mails; at least 50 characters: `openssl rand -base64 48`."""

SECRET_KEY_FALLBACKS = env.earlier_secrets("SECRET_KEY_FALLBACKS")
"""Previous secret keys, comma-separated, during a key rotation."""

OWN_KEYS = {"checkpoint": env.own_keys("CHECKPOINT_KEYS")}
"""Ed25519 keys that sign [checkpoints of the ledger](docs/operations.md#checkpoints),
comma-separated: full paths of files, or `env:` and the name of a variable. The first key signs; all
keys are published.
"""

OWN_KEYS["webhooks"] = env.own_keys("WEBHOOK_KEYS")
"""Ed25519 keys that sign [webhooks](docs/operations.md#webhooks), written like `CHECKPOINT_KEYS`.
All of them sign and are published.
"""

PUBLIC_URL = env.public_url("PUBLIC_URL", demo=DEMO)
"""The URL of the portal and its issuer, such as `https://keys.example.com`, without a trailing
slash.
"""

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", of=PUBLIC_URL, demo=DEMO)
"""Host names that the portal serves, comma-separated, including the host of `PUBLIC_URL`."""

_HTTPS = PUBLIC_URL.startswith("https://")

SECURITY_CONTACT = env.contacts("SECURITY_CONTACT")
"""Contact for vulnerability reports, such as `mailto:security@example.com`;
`/.well-known/security.txt` publishes it.
"""

_SERVES = "portal.wsgi" in sys.modules or sys.argv[1:2] == ["work"]
"""Whether this is a server or a worker, and not another command or a test."""

# --- Limits and rules, all of them adjustable ----------------------------------------------------

KEY_LIMIT = env.number("KEY_LIMIT", 10)
"""Maximum number of keys per client that are not retired, revoked or expired."""

KEY_EXPIRY_WARNING = timedelta(days=env.number("KEY_EXPIRY_WARNING_DAYS", 30, least=0))
"""Days before a key's expiry when the warning begins."""

RSA_MIN_BITS = env.number("RSA_MIN_BITS", 2048, least=2048, most=8192)
"""Smallest accepted RSA key, at least 2048."""

RSA_MAX_BITS = env.number("RSA_MAX_BITS", max(4096, RSA_MIN_BITS), least=RSA_MIN_BITS, most=8192)
"""Largest accepted RSA key, at most 8192. Default: `4096`."""

PUBLISHED_KEYS_FILE = env.sorted_file("PUBLISHED_KEYS_FILE", 16)
"""Path of badkeys' `blocklist.dat`: millions of keys whose private key is published, including
[Debian's weak keys of 2008](docs/operations.md#published-keys). Without it the portal knows only a
few thousand.
"""

ALLOW_LEGACY_ALGORITHMS = env.yes_or_no("ALLOW_LEGACY_ALGORITHMS", default=False)
"""Also offer RS256, RS384 and RS512, marked as legacy."""

ALLOW_HTTP_KEY_SETS = env.yes_or_no("ALLOW_HTTP_KEY_SETS", default=False) or not _HTTPS
"""Also serve key sets and metadata over plain http, where an attacker on the network can insert a
key.
"""

JWKS_MAX_AGE = env.number("JWKS_MAX_AGE", 60, least=0)
"""Seconds that caches may reuse a JWKS."""

JWKS_STALE_IF_ERROR = env.number("JWKS_STALE_IF_ERROR", 600, least=0)
"""Seconds that caches may keep using a JWKS while the portal is down, and the portal while its
database is down.
"""

JWKS_MEMORY_MB = env.number("JWKS_MEMORY_MB", 64, least=0)
"""Size of the in-memory JWKS cache, in MB per process; 0 disables it."""

# 0 if the number is unknown.
THREADS = env.number("GRANIAN_BLOCKING_THREADS", 0, least=0)
"""Server threads per process, at least twice `DATABASE_CONNECTIONS`; the others wait or serve the
JWKS cache. Default: 512 in `deploy/entry`.
"""

DATABASE_CONNECTIONS = env.number("DATABASE_CONNECTIONS", 10, least=3)
"""Maximum number of concurrent requests per process that use PostgreSQL, with one connection each;
[others wait](docs/operations.md#deploying).
"""

if 0 < THREADS < 2 * DATABASE_CONNECTIONS:
    raise ImproperlyConfigured(
        f"GRANIAN_BLOCKING_THREADS is {THREADS}; it must be at least twice DATABASE_CONNECTIONS, "
        f"which is {DATABASE_CONNECTIONS}: the others wait for a connection or serve from memory."
    )

SIGN_UP = env.yes_or_no("SIGN_UP", default=True)
"""Whether anyone may create an account."""

CLIENT_CREATION = env.yes_or_no("CLIENT_CREATION", default=True)
"""Whether every signed-in user may create clients; admins always may."""

CLIENT_LIMIT = env.number("CLIENT_LIMIT", 20)
"""Maximum number of clients that one user may create; no limit for admins."""

MAX_REQUEST_BYTES = env.number("MAX_REQUEST_BYTES", 1_048_576, least=131_072)
"""Largest accepted request body, at least 131072."""

SIGN_IN_RATE = env.rate("SIGN_IN_RATE", "5/5m/key,20/1m/ip")
"""Failed sign-ins: count / period, per IP address (`ip`) or e-mail address (`key`)."""

SIGN_UP_RATE = env.rate("SIGN_UP_RATE", "20/1h/ip")
"""New accounts."""

PASSWORD_RESET_RATE = env.rate("PASSWORD_RESET_RATE", "20/1h/ip,5/1h/key")
"""Password resets."""

KEY_UPLOAD_RATE = env.rate("KEY_UPLOAD_RATE", "60/1h/user")
"""Attempts to register a key, per user."""

KEY_INSPECT_RATE = env.rate("KEY_INSPECT_RATE", "240/1h/user")
"""Checks of a key during typing, per user."""

WRITE_RATE = env.rate("WRITE_RATE", "300/1h/user")
"""Changes of all kinds, per user; each change adds a permanent event."""

DEBUG_RATE = env.rate("DEBUG_RATE", "240/1h/user")
"""Assertions sent to the debugger, per user."""

# --- Applications and middleware -----------------------------------------------------------------

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
# A request for a JWKS must never be answered with a redirect; the paths of the portal are exact.
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "oauth2_provider",
    "template_partials",
    "portal.work",
    "portal.accounts",
    "portal.registry",
    "portal.web",
    "portal.console",
    "portal.oauth",
    "portal.monitoring",
    "portal.notices",
    "portal.webhooks",
]

MIDDLEWARE = [
    # First: each response has the id of its request, and is counted.
    "portal.monitoring.middleware.RequestMiddleware",
    # Before the others, so that requests of programs depend on nothing below: no host, session or
    # cookie.
    "portal.oauth.middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    # After middleware that sets headers, before middleware that reads the body.
    "portal.web.middleware.NoStoreMiddleware",
    "portal.web.middleware.RequestSizeMiddleware",
    "portal.web.middleware.NulMiddleware",
    "portal.web.middleware.BulkheadMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.web.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.middleware.WriteRateMiddleware",
    "portal.web.middleware.PrivateKeyMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.portal",
            ],
        },
    }
]

# --- Data ----------------------------------------------------------------------------------------

_database = env.database("DATABASE_URL", demo=DEMO)
"""`postgresql://user:password@host:5432/name`; SQLite only with `DEMO`."""

_replica = env.replica("DATABASE_REPLICA_URL", of="DATABASE_URL", demo=DEMO)
"""A streaming replica of the database, for key sets that are not in memory:
[consistency](docs/operations.md#growing-past-one-machine).
"""

DATABASES = {"default": _database}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Without WAL and immediate transactions, two concurrent writers fail: "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # A database that drops packets counts as failed after seconds, not after hours.
    _reached = {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    if _SERVES:
        # A process that is stopped or cut off from the network holds its locks for at most five
        # seconds, while others wait for the ledger. Commands such as migrate have no limits.
        _limits = {
            "idle_in_transaction_session_timeout": "5s",
            "lock_timeout": "9s",
            "statement_timeout": "10s",
            "tcp_keepalives_idle": "5",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "20s",
        }
        for _each in filter(None, (_database, _replica)):
            _own = _each.setdefault("OPTIONS", {})
            _own["options"] = env.session_options("PGOPTIONS", _limits, _own.get("options"))
            """Options for each session with PostgreSQL, after the portal's own
            [limits](docs/operations.md#deploying); an empty value removes these limits, for
            poolers.
            """
    _database["OPTIONS"] = _reached | _database.get("OPTIONS", {})
    if _replica:
        DATABASES["replica"] = {
            **_replica,
            "CONN_MAX_AGE": 60,
            # If a read from the replica fails, the primary is asked. So the timeout is short, and
            # no health check precedes a read.
            "OPTIONS": _reached | {"connect_timeout": 2} | _replica.get("OPTIONS", {}),
            "TEST": {"MIRROR": "default"},
        }
        DATABASE_ROUTERS = ["portal.registry.routing.Router"]

STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT", default=str(BASE_DIR / "build" / "static"))
"""Directory that `collectstatic` writes static files to, and that they are served from. Default:
`build/static`.
"""

STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
# An upload stays in memory, limited in size, and never on a disk: it might be a private key.
FILE_UPLOAD_HANDLERS = ["portal.web.uploads.CappedUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# --- Signing in ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_HASHERS = ["portal.accounts.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# A code works only in the session that requested it; a link works for anyone who receives it.
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 3
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Say by e-mail when a password or an address of an account was changed.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {
    "signup": "portal.accounts.forms.SignUpForm",
    "reset_password": "portal.accounts.forms.ResetPasswordForm",
    "confirm_email_verification_code": "portal.accounts.forms.ConfirmEmailForm",
}
ACCOUNT_RATE_LIMITS = False  # the library takes a lock to count; portal/accounts/limits.py does not
RATE_LIMITS = {
    "login": "30/1m/ip",
    "login_failed": SIGN_IN_RATE,
    "signup": SIGN_UP_RATE,
    # So high that no single client address can exhaust it and keep its owner from signing up.
    "sign_up_mail": "60/1h/key",
    "confirm_email": "20/1m/ip",
    "manage_email": "20/1h/user",
    "reset_password": PASSWORD_RESET_RATE,
    "reset_password_from_key": "20/1m/ip",
    "change_password": "5/1m/user",
    "reauthenticate": "10/1m/user",
    "key_upload": KEY_UPLOAD_RATE,
    "key_inspect": KEY_INSPECT_RATE,
    "debug": DEBUG_RATE,
    "write": WRITE_RATE,
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, least=0)
"""Number of proxies that append to `X-Forwarded-For`; rate limits need the caller's real IP
address.
"""

SESSION_COOKIE_AGE = 60 * 60 * env.number("SESSION_HOURS", 12)
"""Hours until a session expires."""

if DEMO:
    EMAIL_BACKEND = "portal.accounts.terminal_mail.EmailBackend"
else:
    vars().update(env.mail("EMAIL_URL"))
    """`smtp+tls://user:password@host:587` or `smtp+ssl://…`. As in `DATABASE_URL`, write
    `@ # / ? %` in user and password as `%40 %23 %2F %3F %25`. With `DEMO`, e-mails go to the
    terminal.
    """
    EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs must not hold a worker
DIGEST_HOUR = env.number("DIGEST_HOUR", 7, least=0, most=23)
"""Hour of the day (UTC) of the digest of those [notices](docs/operations.md#notices) that were too
many for messages of their own.
"""

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", default=f"keys@{urlsplit(PUBLIC_URL).hostname}")
"""Sender of e-mails. Default: `keys@` the host."""

# --- The token endpoint --------------------------------------------------------------------------

ACCEPT_TOKEN_ENDPOINT_AUDIENCE = env.yes_or_no("ACCEPT_TOKEN_ENDPOINT_AUDIENCE", default=True)
"""Accept the token endpoint's URL as `aud` beside the issuer, also in an array of one, if `typ` is
`JWT` or absent, as in older clients.
"""

REQUIRE_CONFIRMATION = env.yes_or_no("REQUIRE_CONFIRMATION", default=False)
"""Publish and accept a newly registered key only after somebody has signed with it."""

BLOCK_WEAK_KEYS = env.yes_or_no("BLOCK_WEAK_KEYS", default=True)
"""Whether `judge_keys` blocks and revokes the weak keys that it finds; otherwise it only records an
event for admins.
"""

TELL_KEY_END = env.yes_or_no("TELL_KEY_END", default=True)
"""Whether responses to a client say how many seconds its key still has (`key_expires_in`)."""

TOKEN_REQUEST_DAYS = env.number("TOKEN_REQUEST_DAYS", 30)
"""Days that accepted and refused token requests are kept."""

KEEP_NETWORKS = env.yes_or_no("KEEP_NETWORKS", default=True)
"""Store with each use of a key the network that it came from: the first 24 bits of an IPv4 address,
or the first 48 of an IPv6 address.
"""

INTROSPECTION_CLIENTS = frozenset(env.comma_separated("INTROSPECTION_CLIENTS", default=""))
"""Client IDs of resource servers that may introspect the tokens of all clients, comma-separated."""

SCOPES = env.scopes("SCOPES", "read=See your data,write=Change your data")
"""Names of scopes, with the text on the consent page. The first is the default scope, and the only
one of a new client.
"""

RESOURCES = env.resources("RESOURCES")
"""Resource servers that tokens can be used at, such as `https://api.example.com=Your accounts`,
comma-separated; an admin decides which `resource` a client may request.
"""

ACCESS_TOKEN_SECONDS = env.number("ACCESS_TOKEN_SECONDS", 900)
"""Lifetime of an access token."""

REFRESH_TOKEN_DAYS = env.number("REFRESH_TOKEN_DAYS", 90)
"""Lifetime of a refresh token after its access token has expired."""

# The registry owns the toolkit's tables (ADR 0008), so the toolkit has no migrations.
MIGRATION_MODULES = {"oauth2_provider": None}
OAUTH2_PROVIDER_APPLICATION_MODEL = "registry.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "registry.AuthorizationCode"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "registry.AccessToken"  # noqa: S105 - the name of a model
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "registry.RefreshToken"  # noqa: S105
# There are no ID tokens and no device codes. The toolkit requires models for them; with these names
# it creates no tables.
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "registry.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "registry.AuthorizationCode"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_GENERATOR": "portal.oauth.grants.new_token",
    "REFRESH_TOKEN_GENERATOR": "portal.oauth.grants.new_token",
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,
    "SCOPES": SCOPES,
    # A request without a scope gets the first scope, not all of them.
    "DEFAULT_SCOPES": list(SCOPES)[:1],
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": ACCESS_TOKEN_SECONDS,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 60 * 60 * 24 * REFRESH_TOKEN_DAYS,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "PKCE_REQUIRED": True,
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

# --- Requests that the portal sends --------------------------------------------------------------

OUTGOING_NETWORKS = env.networks("OUTGOING_NETWORKS")
"""Networks that webhooks may be sent to although their addresses are not public, comma-separated,
such as `10.20.0.0/16`.
"""

OUTGOING_HTTP = env.yes_or_no("OUTGOING_HTTP", default=False)
"""Also send webhooks to `http://` URLs, but only inside `OUTGOING_NETWORKS`."""

# --- Protection of the browser -------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # The UI kit draws its tick marks and arrows with data: images.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if _HTTPS else 0
# Both affect hosts outside the portal, and browsers keep them for long: the operator enables them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.yes_or_no("HSTS_INCLUDE_SUBDOMAINS", default=False)
"""Browsers use https for every subdomain of the host too, for a year."""

SECURE_HSTS_PRELOAD = env.yes_or_no("HSTS_PRELOAD", default=False)
"""Allows the host and its subdomains in the HSTS preload list of browsers; removal takes months."""

SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured(
        "HSTS_PRELOAD is true and HSTS_INCLUDE_SUBDOMAINS is not: browsers' lists take only both. "
        "Please set both, or leave HSTS_PRELOAD out."
    )
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"
if _HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    CSRF_TRUSTED_ORIGINS = [f"{urlsplit(PUBLIC_URL).scheme}://{urlsplit(PUBLIC_URL).netloc}"]
TRUST_FORWARDED_PROTO = env.yes_or_no("TRUST_FORWARDED_PROTO", default=False)
"""Trust `X-Forwarded-Proto`; only behind a proxy that always sets it."""

if TRUST_FORWARDED_PROTO:
    # Only behind a proxy that sets this header itself and removes it from incoming requests.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Metrics and traces --------------------------------------------------------------------------

METRICS_ADDRESS = env.address("METRICS_ADDRESS")
"""IP address and port, such as `127.0.0.1:9464`, on which each process serves
[metrics](docs/operations.md#metrics) to Prometheus, the next process on the next free port. Never
let strangers reach it. Default: none.
"""

TRACES_URL = env.collector("TRACES_URL")
"""URL of an OTLP receiver, such as `http://127.0.0.1:4318/v1/traces`, that gets
[traces](docs/operations.md#traces). Default: none.
"""

# --- Logs: one line per event, never a body, never a header --------------------------------------

LOG_LEVEL = env.log_level("LOG_LEVEL", "INFO")
"""`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."""

LOG_FORMAT = env.choice("LOG_FORMAT", "text", among=("text", "json"))
"""`text`, or `json` for [one JSON object per line](docs/operations.md#logs)."""

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "portal.logs.OneLine",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "portal.logs.JsonLine"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Django's default mails tracebacks with request data to ADMINS; here only the root logger logs.
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Scanners send other hosts, and the log line would contain that header.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # At DEBUG these loggers write whole requests and the issued tokens.
        "oauthlib": {"level": "WARNING"},
        "oauth2_provider": {"level": "WARNING"},
    },
}
