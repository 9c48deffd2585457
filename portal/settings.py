"""Settings, read from the environment once and refused loudly when something is missing or wrong.

Every variable is described in the README's configuration table. `make run` sets `DEMO=true` and the
few variables it needs; without it everything marked "required" must be given.
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

# --- Who and where we are ------------------------------------------------------------------------

DEMO = env.yes_or_no("DEMO", default=False)
"""Trying out on one's own machine: http is allowed and e-mails go to the terminal."""

DEBUG = False
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.earlier_secrets("SECRET_KEY_FALLBACKS")
"""Earlier secret keys, while they are being replaced: what they signed is still believed."""

OWN_KEYS = {"checkpoint": env.own_keys("CHECKPOINT_KEYS")}
"""The keys that the portal signs with, by purpose: the first signs, and all are published."""

PUBLIC_URL = env.public_url("PUBLIC_URL", demo=DEMO)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", of=PUBLIC_URL, demo=DEMO)
_HTTPS = PUBLIC_URL.startswith("https://")

SECURITY_CONTACT = env.contacts("SECURITY_CONTACT")
"""Who is told of a weakness of the portal: /.well-known/security.txt names them (RFC 9116)."""

_SERVES = "portal.wsgi" in sys.modules
"""Whether a server has loaded the portal, and not a command or a test."""

# --- Limits and rules, each of them yours to change ----------------------------------------------

KEY_LIMIT = env.number("KEY_LIMIT", 10)
"""How many keys of one client may be live or still to start at the same time."""

KEY_EXPIRY_WARNING = timedelta(days=env.number("KEY_EXPIRY_WARNING_DAYS", 30, least=0))
RSA_MIN_BITS = env.number("RSA_MIN_BITS", 2048, least=2048, most=8192)
RSA_MAX_BITS = env.number("RSA_MAX_BITS", max(4096, RSA_MIN_BITS), least=RSA_MIN_BITS, most=8192)
PUBLISHED_KEYS_FILE = env.sorted_file("PUBLISHED_KEYS_FILE", 16)
"""The blocklist.dat of badkeys: keys whose private half is published, from Debian's bug on."""

ALLOW_LEGACY_ALGORITHMS = env.yes_or_no("ALLOW_LEGACY_ALGORITHMS", default=False)
ALLOW_HTTP_KEY_SETS = env.yes_or_no("ALLOW_HTTP_KEY_SETS", default=False) or not _HTTPS
"""Whether public documents are answered over plain http, where anybody can put in a key."""

JWKS_MAX_AGE = env.number("JWKS_MAX_AGE", 60, least=0)
JWKS_STALE_IF_ERROR = env.number("JWKS_STALE_IF_ERROR", 600, least=0)
JWKS_MEMORY_MB = env.number("JWKS_MEMORY_MB", 64, least=0)
"""How much of each process may hold answers that are ready to be sent; 0 reads each anew."""

THREADS = env.number("GRANIAN_BLOCKING_THREADS", 0, least=0)
"""How many threads the server gives each process; 0 when that is not known."""

DATABASE_CONNECTIONS = env.number("DATABASE_CONNECTIONS", 10, least=3)
"""How many requests of a process that serves may use the database at the same time."""

if 0 < THREADS < 2 * DATABASE_CONNECTIONS:
    raise ImproperlyConfigured(
        f"GRANIAN_BLOCKING_THREADS is {THREADS}; it must be at least twice DATABASE_CONNECTIONS, "
        f"which is {DATABASE_CONNECTIONS}: the others wait for a connection or serve from memory."
    )

SIGN_UP = env.yes_or_no("SIGN_UP", default=True)
CLIENT_CREATION = env.yes_or_no("CLIENT_CREATION", default=True)
"""Whether everybody who is signed in may create clients; admins always may."""

CLIENT_LIMIT = env.number("CLIENT_LIMIT", 20)
"""How many clients one person may create (admins: no limit)."""

MAX_REQUEST_BYTES = env.number("MAX_REQUEST_BYTES", 1024 * 1024, least=128 * 1024)
SIGN_IN_RATE = env.rate("SIGN_IN_RATE", "5/5m/key,20/1m/ip")
SIGN_UP_RATE = env.rate("SIGN_UP_RATE", "20/1h/ip")
PASSWORD_RESET_RATE = env.rate("PASSWORD_RESET_RATE", "20/1h/ip,5/1h/key")
KEY_UPLOAD_RATE = env.rate("KEY_UPLOAD_RATE", "60/1h/user")
KEY_INSPECT_RATE = env.rate("KEY_INSPECT_RATE", "240/1h/user")
WRITE_RATE = env.rate("WRITE_RATE", "300/1h/user")
"""How much one person may do that stays on record: nobody can delete an event."""

DEBUG_RATE = env.rate("DEBUG_RATE", "240/1h/user")

# --- The machinery -------------------------------------------------------------------------------

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
# A JWKS must never be answered with a redirect, and our paths are written out exactly.
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "oauth2_provider",
    "template_partials",
    "portal.accounts",
    "portal.registry",
    "portal.web",
    "portal.console",
    "portal.oauth",
]

MIDDLEWARE = [
    # First, so that what machines ask depends on nothing below: no host, session or cookie.
    "portal.oauth.middleware.MachineMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    # After those that set headers, before those that read the body.
    "portal.web.middleware.NoStoreMiddleware",
    "portal.web.middleware.RequestSizeMiddleware",
    "portal.web.middleware.NulCookieMiddleware",
    "portal.web.middleware.BulkheadMiddleware",
    "portal.web.middleware.MailMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.middleware.WriteRateMiddleware",
    "portal.web.middleware.PrivateKeyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
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
DATABASES = {"default": _database}
_replica = env.replica("DATABASE_REPLICA_URL", of="DATABASE_URL", demo=DEMO)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # WAL and immediate transactions: without them two writers at once fail: "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # A database that swallows packets is a failure after seconds, and not after hours.
    _reached = {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    if _SERVES:
        # A process that is stopped or cut off from the network holds its locks for five seconds at
        # most; others wait for the ledger meanwhile. Commands such as migrate have no limits.
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
    _database["OPTIONS"] = _reached | _database.get("OPTIONS", {})
    if _replica:
        DATABASES["replica"] = {
            **_replica,
            "CONN_MAX_AGE": 60,
            # Who cannot read from it asks the primary. So it is not waited for, and not asked
            # before whether it is well.
            "OPTIONS": _reached | {"connect_timeout": 2} | _replica.get("OPTIONS", {}),
            "TEST": {"MIRROR": "default"},
        }
        DATABASE_ROUTERS = ["portal.registry.routing.Router"]

STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT", default=str(BASE_DIR / "build" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
# What is uploaded stays in memory, capped, and never touches a disk: it might be a private key.
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
# A code works only in the session that asked for it; a link works for whoever is sent it.
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 3
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
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
    # High enough that no single address can use it up and keep somebody from signing up.
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
SESSION_COOKIE_AGE = 60 * 60 * env.number("SESSION_HOURS", 12)

if DEMO:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    vars().update(env.mail("EMAIL_URL"))
    EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs must not hold a worker
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", default=f"keys@{urlsplit(PUBLIC_URL).hostname}")

# --- The token endpoint --------------------------------------------------------------------------

ACCEPT_TOKEN_ENDPOINT_AUDIENCE = env.yes_or_no("ACCEPT_TOKEN_ENDPOINT_AUDIENCE", default=True)
"""Whether `aud` may be the token endpoint's URL beside the issuer, as older clients have it."""

REQUIRE_CONFIRMATION = env.yes_or_no("REQUIRE_CONFIRMATION", default=False)
"""Whether a key registered from now on is live only once somebody has signed with it."""

BLOCK_WEAK_KEYS = env.yes_or_no("BLOCK_WEAK_KEYS", default=True)
"""Whether `judge_keys` blocks and revokes what it finds; otherwise an admin reads its events."""

TOKEN_REQUEST_DAYS = env.number("TOKEN_REQUEST_DAYS", 30)
"""How long accepted and refused token requests can be looked up."""

INTROSPECTION_CLIENTS = frozenset(env.words("INTROSPECTION_CLIENTS", default=""))
"""The client_ids of resource servers, which may introspect the tokens of all clients."""

SCOPES = env.scopes("SCOPES", "read=See your data,write=Change your data")
RESOURCES = env.resources("RESOURCES")
"""What tokens can be for, and where. What of it a client may ask for, an admin decides."""

# The toolkit's tables are ours (ADR 0008), so it has none, and no migration of its own.
MIGRATION_MODULES = {"oauth2_provider": None}
OAUTH2_PROVIDER_APPLICATION_MODEL = "registry.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "registry.AuthorizationCode"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "registry.AccessToken"  # noqa: S105 - the name of a model
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "registry.RefreshToken"  # noqa: S105
# There are no ID tokens and no device codes. The toolkit wants to know their tables all the same,
# and with these names it makes none.
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "registry.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "registry.AuthorizationCode"
OAUTH2_PROVIDER = {
    "OAUTH2_BACKEND_CLASS": "portal.oauth.toolkit.Toolkit",
    "OAUTH2_SERVER_CLASS": "portal.oauth.grants.GrantServer",
    "OAUTH2_VALIDATOR_CLASS": "portal.oauth.validator.Validator",
    "ACCESS_TOKEN_GENERATOR": "portal.oauth.grants.new_token",
    "REFRESH_TOKEN_GENERATOR": "portal.oauth.grants.new_token",
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,
    "SCOPES": SCOPES,
    # Who asks for nothing gets the first, and not all that there is.
    "DEFAULT_SCOPES": list(SCOPES)[:1],
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.number("ACCESS_TOKEN_SECONDS", 15 * 60),
    "REFRESH_TOKEN_EXPIRE_SECONDS": 60 * 60 * 24 * env.number("REFRESH_TOKEN_DAYS", 90),
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
# Both bind hosts that are not ours, and browsers forget them slowly: the operator asks for them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.yes_or_no("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.yes_or_no("HSTS_PRELOAD", default=False)
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
if env.yes_or_no("TRUST_FORWARDED_PROTO", default=False):
    # Only behind a proxy that sets this header itself and removes it from what comes in.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logs: one line an event, never a body, never a header ---------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.logs.OneLine",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", "INFO")},
    # Django's own set-up mails tracebacks with request data to ADMINS; ours goes to the root only.
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # Whoever scans the internet sends another host, and its line would have that header in it.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # At DEBUG these write whole requests and the tokens that they issue.
        "oauthlib": {"level": "WARNING"},
        "oauth2_provider": {"level": "WARNING"},
    },
}
