"""What production needs has to be there and right, or the portal does not start and says why.

The real settings are read: nothing of the tests' own settings or environment is in them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from docs import settings_table
from portal import environment
from tests.keys import new_private_key, public_pem
from tests.ops.production import PRODUCTION, ROOT

database = partial(environment.database, demo=False)

SHOW = """
import json, sys
import portal.wsgi
from django.conf import settings
traced = [name for name in sys.modules if name.startswith("opentelemetry")]
options = settings.DATABASES["default"]["OPTIONS"]["options"]
print(json.dumps([settings.PUBLIC_URL, options, traced]))
"""


@pytest.fixture(scope="module")
def serving() -> subprocess.CompletedProcess[str]:
    """A process that is ready to serve in the settings of production, and has ended."""
    # The server wants its folder of static files to be there.
    return start(SHOW, STATIC_ROOT=str(ROOT / "static"))


def start(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run code in the settings of production with some variables changed.

    It takes most of a second of processor time.
    """
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=changed(changes) | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


def changed(changes: Mapping[str, str | None]) -> dict[str, str]:
    return {k: v for k, v in (PRODUCTION | dict(changes)).items() if v is not None}


def read(**changes: str | None) -> SimpleNamespace:
    """Read the settings of production in this process, with some variables changed or left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", changed(changes))
        return SimpleNamespace(**runpy.run_path(str(ROOT / "portal" / "settings.py")))


def refused(**changes: str | None) -> ImproperlyConfigured:
    """Return the error that these changes lead to."""
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**changes)
    return refused.value


def complaint(**changes: str | None) -> str:
    """Return what the error says that these changes lead to."""
    return str(refused(**changes))


def shown(**changes: str | None) -> str:
    """Return what a process writes that ends by the error that these changes lead to."""
    return "".join(traceback.format_exception(refused(**changes)))


def test_the_production_settings_are_accepted(serving: subprocess.CompletedProcess[str]) -> None:
    assert (serving.returncode, serving.stderr) == (0, "")
    assert json.loads(serving.stdout)[0] == "https://keys.example.com"


@pytest.mark.parametrize("name", sorted(PRODUCTION))
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    assert complaint(**{name: value}).startswith(f"{name} is not set. Please ")


def test_the_portal_does_not_start_with_a_wrong_variable() -> None:
    ended = start("import portal.wsgi", KEY_LIMIT="ten")
    assert ended.returncode != 0
    said = "django.core.exceptions.ImproperlyConfigured: KEY_LIMIT is 'ten'; "
    assert ended.stderr.splitlines()[-1].startswith(said)


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
        ("PUBLIC_URL", "https://kéys.example.com", "in its xn-- form"),
        ("ALLOWED_HOSTS", "keys.example.com,schlüssel.example.com", "in its xn-- form"),
        ("ALLOWED_HOSTS", "other.example.com", "keys.example.com, the host of PUBLIC_URL"),
        ("ALLOWED_HOSTS", "*", "name the hosts"),
        ("DATABASE_URL", "sqlite:////tmp/db.sqlite3", "DEMO only"),
        ("DATABASE_URL", "mysql://portal@localhost/portal", "postgresql://"),
        ("DATABASE_URL", "postgresql://portal@localhost", "no database name"),
        ("DATABASE_URL", "portal", "postgresql://"),
        ("DATABASE_URL", "postgresql://portal@db1:5432,db2/portal", "each its port, or none"),
        ("DATABASE_REPLICA_URL", "mysql://portal@replica/portal", "postgresql://"),
        ("DATABASE_REPLICA_URL", "postgresql://portal@replica/other", "it must be 'portal'"),
        ("DATABASE_REPLICA_URL", "postgresql://reader@localhost:5432/portal", "the same server"),
        ("EMAIL_URL", "mail.example.com", "smtp+tls://"),
        ("EMAIL_URL", "consolemail://", "smtp+tls://"),
        ("SECURITY_CONTACT", "security@example.com", "like mailto:security@example.com"),
        ("SECURITY_CONTACT", "mailto:a@example.com,http://a.example.com", "mailto:, https://"),
        ("SECURITY_CONTACT", "mailto:a@example.com\nExpires: 2000", "like mailto:"),
        ("HSTS_PRELOAD", "true", "set both"),
        ("HSTS_PRELOAD", "maybe", "true or false"),
        ("HSTS_INCLUDE_SUBDOMAINS", "maybe", "true or false"),
        ("ALLOW_HTTP_KEY_SETS", "maybe", "true or false"),
        ("DEMO", "ture", "true or false"),
        ("TRUST_FORWARDED_PROTO", "on the proxy", "true or false"),
        ("CHECKPOINT_KEYS", "checkpoint.pem", "like /run/secrets/checkpoint.pem or env:CHECKPOINT"),
        ("CHECKPOINT_KEYS", "/nowhere/checkpoint.pem", "cannot be read: No such file"),
        ("CHECKPOINT_KEYS", "/", "which is not a file"),
        ("CHECKPOINT_KEYS", "env:NOT_SET", "'env:NOT_SET', which has no key in PEM"),
        ("KEY_LIMIT", "ten", "a whole number of at least 1"),
        ("KEY_LIMIT", "0", "at least 1"),
        ("RSA_MIN_BITS", "1024", "from 2048 to 8192"),
        ("RSA_MAX_BITS", "16384", "from 2048 to 8192"),
        ("PUBLISHED_KEYS_FILE", "/nowhere/blocklist.dat", "cannot be read: No such file"),
        ("PUBLISHED_KEYS_FILE", "/", "cannot be read"),
        ("PUBLISHED_KEYS_FILE", "/dev/null", "must be the blocklist.dat of badkeys"),
        ("PUBLISHED_KEYS_FILE", str(ROOT / "LICENSE"), "must be the blocklist.dat of badkeys"),
        ("JWKS_MAX_AGE", "-1", "at least 0"),
        ("DATABASE_CONNECTIONS", "2", "at least 3"),
        ("GRANIAN_BLOCKING_THREADS", "19", "at least twice DATABASE_CONNECTIONS, which is 10"),
        ("MAX_REQUEST_BYTES", "1000", "at least 131072"),
        ("SIGN_IN_RATE", "often", "5/5m/key"),
        ("KEY_UPLOAD_RATE", "0/1h/user", "60/1h/user"),
        ("WRITE_RATE", "many", "300/1h/user"),
        ("METRICS_ADDRESS", "9464", "like 127.0.0.1:9464"),
        ("METRICS_ADDRESS", "localhost:9464", "like 127.0.0.1:9464"),
        ("METRICS_ADDRESS", "[::1]:0", "like 127.0.0.1:9464"),
        ("TRACES_URL", "collector:4318", "like http://127.0.0.1:4318/v1/traces"),
        ("TRACES_URL", "http://collector:4318", "like http://127.0.0.1:4318/v1/traces"),
        ("LOG_LEVEL", "CHATTY", "INFO"),
        ("LOG_FORMAT", "xml", "text or json"),
        ("OUTGOING_NETWORKS", "10.20.0.1/16", "like 10.20.0.0/16"),
        ("OUTGOING_NETWORKS", "internal", "like 10.20.0.0/16"),
        ("OUTGOING_HTTP", "maybe", "true or false"),
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
        ("RESOURCES", "https://api.example.com", "like https://api.example.com=Your accounts"),
        ("RESOURCES", "accounts=Accounts", "addresses without query"),
        ("RESOURCES", "https://api.example.com/?a=Accounts", "addresses without query"),
        ("RESOURCES", "https://a.example=A,https://a.example=B", "each once"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(
    name: str, value: str, expected: str
) -> None:
    said = complaint(**{name: value})
    assert said.startswith(f"{name} ")
    assert expected in said


@pytest.mark.parametrize("name", ["DATABASE_URL", "EMAIL_URL"])
@pytest.mark.parametrize(
    "password", ["a@b", "a#b", "a/b", "a?b", "a%zb", "a b", "a\tb", "a\u00e9b"]
)
def test_a_password_that_is_not_escaped_is_refused_and_not_shown(
    name: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = "smtp+tls" if name == "EMAIL_URL" else "postgresql"
    for url in (
        f"{scheme}://portal:1{password}2@db.example.com:5432/portal",
        f"{scheme}://{password}:secret@db.example.com/portal",
        f"{scheme}://portal:password@db.example.com/portal{password}",
        f"{scheme}://portal:password@{password}/portal",
    ):
        if not url.endswith(("a?b", "a/b/portal", "a?b/portal")):  # which mean that
            monkeypatch.setenv(name, url)
            with pytest.raises(ImproperlyConfigured, match=f"^{name} has .* escaped") as refused:
                environment.mail(name) if name == "EMAIL_URL" else database(name)
            assert password not in str(refused.value)


def test_what_is_escaped_is_read_as_it_was_meant() -> None:
    escaped = "a%40b%23c%2Fd%3Fe%25f:+g"
    settings = read(
        DATABASE_URL=f"postgresql://portal:{escaped}@/portal?host=/run/postgresql",
        EMAIL_URL=f"smtp+tls://me%40example.com:{escaped}@mail.example.com:587",
    )
    found = settings.DATABASES["default"]
    assert found["PASSWORD"] == settings.EMAIL_HOST_PASSWORD == "a@b#c/d?e%f:+g"  # noqa: S105 - not one
    assert (found["OPTIONS"]["host"], found["NAME"]) == ("/run/postgresql", "portal")


@pytest.mark.parametrize(
    ("hosts", "read"),
    [
        ("db1,db2", ("db1,db2", "")),
        ("db1:5432,db2:5433", ("db1,db2", "5432,5433")),
        ("[2001:db8::1]:5432", ("2001:db8::1", 5432)),
    ],
)
def test_a_database_may_have_several_hosts(
    hosts: str, read: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://portal:password@{hosts}/portal?target_session_attrs=read-write"
    monkeypatch.setenv("DATABASE_URL", url)
    found = database("DATABASE_URL")
    assert (found["HOST"], found["PORT"]) == read
    assert found["OPTIONS"] == {"target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    "host", ["keys.example.com", "192.168.1.7", "203.0.113.7", "[2001:db8::1]", "localhost.com"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_demo_is_on_ones_own_machine(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", f"{scheme}://{host}")
    with pytest.raises(ImproperlyConfigured, match="use http://localhost, or leave DEMO out"):
        environment.public_url("PUBLIC_URL", demo=True)


@pytest.mark.parametrize("host", ["localhost", "keys.localhost", "127.0.0.2", "[::1]", "portal"])
def test_a_demo_may_have_any_name_of_ones_own_machine(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", f"http://{host}:8000")
    assert environment.public_url("PUBLIC_URL", demo=True) == f"http://{host}:8000"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (31536000, False, False)),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true"}, (31536000, True, False)),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}, (31536000, True, True)),
    ],
)
def test_other_hosts_are_bound_to_https_only_when_asked_for(
    changes: dict[str, str], expected: tuple[int, bool, bool]
) -> None:
    found = read(**changes)
    assert expected == (
        found.SECURE_HSTS_SECONDS,
        found.SECURE_HSTS_INCLUDE_SUBDOMAINS,
        found.SECURE_HSTS_PRELOAD,
    )


def options(*, serving: bool = True, of: str = "default", **changes: str) -> str | None:
    """Return the options of each session, of a process that serves or of a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "portal.wsgi", raising=False)
        if serving:
            patch.setitem(sys.modules, "portal.wsgi", ModuleType("portal.wsgi"))
        found = read(**changes).DATABASES[of]["OPTIONS"].get("options")
    return None if found is None else str(found)


def test_only_a_process_that_serves_limits_its_sessions(
    serving: subprocess.CompletedProcess[str],
) -> None:
    limited = json.loads(serving.stdout)[1]
    assert "-c idle_in_transaction_session_timeout=5s -c lock_timeout=9s" in limited
    assert options() == limited
    assert options(PGOPTIONS="-c lock_timeout=1s") == f"{limited} -c lock_timeout=1s"
    assert options(PGOPTIONS="") == ""
    url = PRODUCTION["DATABASE_URL"] + "?options=-c%20search_path%3Dx"
    own = options(DATABASE_URL=url, PGOPTIONS="-c lock_timeout=1s")
    assert own == f"{limited} -c search_path=x"
    assert options(serving=False) is None
    replica = "postgresql://portal@replica/portal"
    assert options(of="replica", DATABASE_REPLICA_URL=replica) == limited


def test_traces_are_not_even_imported_unless_they_are_wanted(
    serving: subprocess.CompletedProcess[str],
) -> None:
    assert json.loads(serving.stdout)[2] == []


def test_sqlite_has_no_replica() -> None:
    here = {"DEMO": "true", "PUBLIC_URL": "http://localhost", "ALLOWED_HOSTS": "localhost"}
    here |= {"DATABASE_URL": "sqlite:////tmp/db.sqlite3"}
    said = complaint(**here, DATABASE_REPLICA_URL="postgresql://portal@replica/portal")
    assert "DATABASE_REPLICA_URL is set, and only PostgreSQL has replicas" in said


def test_replica_is_reached_as_the_primary_and_waited_for_less() -> None:
    url = "postgresql://portal@replica/portal?sslmode=require"
    found = {
        name: each["OPTIONS"] for name, each in read(DATABASE_REPLICA_URL=url).DATABASES.items()
    }
    assert found["replica"] == found["default"] | {"connect_timeout": 2, "sslmode": "require"}


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "DATABASE_REPLICA_URL", "EMAIL_URL"]
)
def test_a_wrong_secret_is_not_shown(name: str) -> None:
    assert "hunter2" not in shown(**{name: "mysql://portal:hunter2@localhost"})


def test_the_smallest_rsa_key_may_be_larger_than_the_largest_by_default() -> None:
    assert read(RSA_MIN_BITS="8192").RSA_MIN_BITS == 8192


def test_scopes_are_read_in_their_order_and_the_first_is_the_default() -> None:
    found = read(SCOPES=" a:b = Look , c=x=y ")
    assert list(found.SCOPES.items()) == [("a:b", "Look"), ("c", "x=y")]
    assert found.OAUTH2_PROVIDER["DEFAULT_SCOPES"] == ["a:b"]


def test_resources_are_read_in_their_order_and_may_be_none() -> None:
    found = read(RESOURCES=" https://b.example/v1 = B b , http://[::1]:8080=a=b ").RESOURCES
    assert list(found.items()) == [("https://b.example/v1", "B b"), ("http://[::1]:8080", "a=b")]
    assert read(RESOURCES="").RESOURCES == {}


def test_the_table_of_the_readme_is_that_of_the_settings() -> None:
    settings = (ROOT / "portal" / "settings.py").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == settings_table.current(readme, settings), "make docs  mends this."


def test_each_variable_of_the_settings_has_a_row() -> None:
    settings = (ROOT / "portal" / "settings.py").read_text("utf-8")
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)
    assert sorted(name for name, _, _ in settings_table.rows(settings)) == sorted(read)


def test_a_variable_without_a_text_is_named() -> None:
    with pytest.raises(ValueError, match="KEY_LIMIT has no text below it"):
        settings_table.rows('KEY_LIMIT = env.number("KEY_LIMIT", 10)\nDEBUG = False\n"""No."""\n')


def test_a_list_of_published_keys_is_taken_when_its_records_are_sorted(tmp_path: Path) -> None:
    path = tmp_path / "blocklist.dat"
    records = [hashlib.sha256(bytes(place)).digest()[:16] for place in range(1000)]
    path.write_bytes(b"".join(sorted(records)))
    assert str(read(PUBLISHED_KEYS_FILE=str(path)).PUBLISHED_KEYS_FILE) == str(path)
    path.write_bytes(b"".join(records))
    assert "sorted records of 16 bytes" in complaint(PUBLISHED_KEYS_FILE=str(path))
    path.write_bytes(b"".join(sorted(records))[:-1])
    assert "sorted records of 16 bytes" in complaint(PUBLISHED_KEYS_FILE=str(path))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with a key of the portal, as the command makes it."""
    path = tmp_path / "checkpoint.pem"
    said = io.StringIO()
    call_command("own_keys", "--make", str(path), stdout=said)
    assert said.getvalue().startswith(f"{path} has a new private key. Its kid is ")
    return path


def signers(**changes: str) -> list[bool]:
    """Return which of the keys for checkpoints can sign."""
    return [key.can_sign for key in read(**changes).OWN_KEYS["checkpoint"]]


def public_half(key_file: Path) -> str:
    return public_pem(load_pem_private_key(key_file.read_bytes(), None))  # type: ignore[arg-type]


def test_a_key_that_the_command_makes_is_taken_and_nobody_else_can_read_it(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert signers(CHECKPOINT_KEYS=str(key_file)) == [True]
    assert signers() == []


def test_a_key_may_be_in_a_variable_and_others_may_be_public_only(
    key_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text(public_pem(new_private_key()), "ascii")
    other.chmod(0o640)
    line = key_file.read_text("ascii").split("\n")[1]
    assert signers(CHECKPOINT_KEYS=f"env:K, {other}", K=line) == [True, False]
    said = complaint(CHECKPOINT_KEYS=f"{other},env:K", K=line)
    assert "has only a public key; the first key signs" in said


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o660, 0o601])
def test_a_key_that_others_may_read_is_not_taken(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    said = complaint(CHECKPOINT_KEYS=str(key_file))
    assert f"(mode {mode:o}). Please run: chmod 600 {key_file}" in said


def test_a_key_is_named_once(key_file: Path) -> None:
    said = complaint(CHECKPOINT_KEYS=f"{key_file},{key_file}")
    assert f"names the key in '{key_file}' twice" in said


def test_a_key_that_is_where_its_file_should_be_named_is_not_shown(key_file: Path) -> None:
    for pem in (key_file.read_text("ascii"), key_file.read_text("ascii").split("\n")[1]):
        said = shown(CHECKPOINT_KEYS=pem)
        assert pem.strip()[-40:] not in said
        assert "must be like /run/secrets/checkpoint.pem" in said


def test_the_command_writes_over_no_file(key_file: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        call_command("own_keys", "--make", str(key_file))
