"""What production needs has to be there and right, or the portal does not start and says why.

Real processes read the real settings: nothing of the tests' own settings or environment is in them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.ops.production import PRODUCTION, ROOT

READ_SETTINGS = "import django; django.setup(); from django.conf import settings as s; "


def start(show: str = "s.PUBLIC_URL", /, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings of production with some variables changed, or left out (None)."""
    environment = {k: v for k, v in (PRODUCTION | changes).items() if v is not None}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", READ_SETTINGS + f"print({show})"],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


def complaint(**changes: str | None) -> str:
    """Return the last line of the error that these changes lead to."""
    ended = start(**changes)
    assert ended.returncode != 0
    return ended.stderr.strip().splitlines()[-1]


def test_the_production_settings_are_accepted() -> None:
    ended = start()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "https://keys.example.com\n", "")


@pytest.mark.parametrize("name", sorted(PRODUCTION))
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    said = complaint(**{name: value})
    assert said.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert f"{name} is not set. Please " in said


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "at least 50"),
        ("SECRET_KEY_FALLBACKS", "short", "at least 50"),
        ("PUBLIC_URL", "http://keys.example.com", "https://"),
        ("PUBLIC_URL", "https://keys.example.com/", "without a slash at the end"),
        ("PUBLIC_URL", "https://keys.example.com/portal", "without path"),
        ("PUBLIC_URL", "https://Keys.example.com", "in lower case"),
        ("PUBLIC_URL", "https://me@keys.example.com", "user"),
        ("PUBLIC_URL", "https://keys.example.com?x=1", "query"),
        ("PUBLIC_URL", "https://keys.example.com:port", "https://keys.example.com"),
        ("ALLOWED_HOSTS", "other.example.com", "keys.example.com, the host of PUBLIC_URL"),
        ("ALLOWED_HOSTS", "*", "name the hosts"),
        ("DATABASE_URL", "sqlite:////tmp/db.sqlite3", "DEMO only"),
        ("DATABASE_URL", "mysql://portal@localhost/portal", "postgresql://"),
        ("DATABASE_URL", "postgresql://portal@localhost", "no database name"),
        ("DATABASE_URL", "portal", "postgresql://"),
        ("DATABASE_REPLICA_URL", "mysql://portal@replica/portal", "postgresql://"),
        ("DATABASE_REPLICA_URL", "postgresql://portal@replica/other", "it must be 'portal'"),
        ("DATABASE_REPLICA_URL", "postgresql://reader@localhost:5432/portal", "the same server"),
        ("EMAIL_URL", "mail.example.com", "smtp+tls://"),
        ("EMAIL_URL", "consolemail://", "smtp+tls://"),
        ("DEMO", "ture", "true or false"),
        ("TRUST_FORWARDED_PROTO", "on the proxy", "true or false"),
        ("KEY_LIMIT", "ten", "a whole number of at least 1"),
        ("KEY_LIMIT", "0", "at least 1"),
        ("RSA_MIN_BITS", "1024", "from 2048 to 8192"),
        ("RSA_MAX_BITS", "16384", "from 2048 to 8192"),
        ("JWKS_MAX_AGE", "-1", "at least 0"),
        ("DATABASE_CONNECTIONS", "2", "at least 3"),
        ("GRANIAN_BLOCKING_THREADS", "19", "at least twice DATABASE_CONNECTIONS, which is 10"),
        ("MAX_REQUEST_BYTES", "1000", "at least 131072"),
        ("SIGN_IN_RATE", "often", "5/5m/key"),
        ("KEY_UPLOAD_RATE", "0/1h/user", "60/1h/user"),
        ("LOG_LEVEL", "CHATTY", "INFO"),
        ("ACCEPT_TOKEN_ENDPOINT_AUDIENCE", "maybe", "true or false"),
        ("REQUIRE_CONFIRMATION", "maybe", "true or false"),
        ("TOKEN_REQUEST_DAYS", "0", "at least 1"),
        ("ACCESS_TOKEN_SECONDS", "15m", "a whole number of at least 1"),
        ("REFRESH_TOKEN_DAYS", "0", "at least 1"),
        ("SCOPES", "read", "like read=See your data"),
        ("SCOPES", "read=", "what each allows"),
        ("SCOPES", "=See your data", "names without spaces"),
        ("SCOPES", "read all=See your data", "names without spaces"),
        ("SCOPES", "r\u00e9ad=See your data", "names without spaces"),
        ("SCOPES", ",", "like read=See your data"),
        ("SCOPES", "read=See your data,read=Change your data", "each name once"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(
    name: str, value: str, expected: str
) -> None:
    said = complaint(**{name: value})
    assert said.startswith(f"django.core.exceptions.ImproperlyConfigured: {name} ")
    assert expected in said


def test_sqlite_has_no_replica() -> None:
    here = {"DEMO": "true", "DATABASE_URL": "sqlite:////tmp/db.sqlite3"}
    said = complaint(**here, DATABASE_REPLICA_URL="postgresql://portal@replica/portal")
    assert "DATABASE_REPLICA_URL is set, and only PostgreSQL has replicas" in said


def test_replica_is_reached_as_the_primary_and_waited_for_less() -> None:
    show = "(s.DATABASES['replica']['OPTIONS'], s.DATABASES['default']['OPTIONS'])"
    ended = start(show, DATABASE_REPLICA_URL="postgresql://portal@replica/portal?sslmode=require")
    replica, primary = ast.literal_eval(ended.stdout)
    assert replica == primary | {"connect_timeout": 2, "sslmode": "require"}


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "DATABASE_REPLICA_URL", "EMAIL_URL"]
)
def test_a_wrong_secret_is_not_shown(name: str) -> None:
    ended = start(**{name: "mysql://portal:hunter2@localhost"})
    assert ended.returncode != 0
    assert "hunter2" not in ended.stderr + ended.stdout


def test_the_smallest_rsa_key_may_be_larger_than_the_largest_by_default() -> None:
    assert start(RSA_MIN_BITS="8192").returncode == 0


def test_scopes_are_read_in_their_order_and_the_first_is_the_default() -> None:
    show = "list(s.SCOPES.items()), s.OAUTH2_PROVIDER['DEFAULT_SCOPES']"
    ended = start(show, SCOPES=" a:b = Look , c=x=y ")
    assert ended.stdout == "[('a:b', 'Look'), ('c', 'x=y')] ['a:b']\n"


def test_every_variable_of_the_settings_is_in_the_table_of_the_readme() -> None:
    settings = (ROOT / "portal" / "settings.py").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    told = set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", readme))
    assert read == told
