"""The portal on your own machine, for trying it out: `make run`, or `python -m portal.demo`.

`make dev` (`--dev`) serves the same and reloads changed code.

The first start creates in one folder: a secret key, an SQLite database, the static files, and a
client with a developer and an admin. Their passwords are random and shown once. None of this
happens in production: only this module sets DEMO, always with a database of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import django
from django.core.management import call_command

from portal.own_keys import new_pem

ROOT: Final = Path(__file__).resolve().parent.parent
WORKERS: Final = 2
PASSWORDS_SHOWN: Final = """\
Sign in as developer@example.com or admin@example.com, with the passwords that were
shown at the first start. Lost them?  make passwords  gives new ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the portal, print its URL and serve it; or create new passwords and exit."""
    parser = argparse.ArgumentParser(prog="python -m portal.demo")
    parser.add_argument("--port", type=int, default=8000, help="on localhost (default: 8000)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="where to keep everything")
    parser.add_argument("--new-passwords", action="store_true", help="make them, show them, end")
    parser.add_argument(
        "--dev", action="store_true", help="reload when the code changes, and show debug pages"
    )
    options = parser.parse_args(arguments)

    if not options.new_passwords:
        check_port(options.port)
    settings = "portal.development" if options.dev else "portal.settings"
    set_environment(options.data.resolve(), options.port, settings)
    django.setup()
    call_command("migrate", verbosity=0)

    # The models can be imported only after the settings are set.
    from portal.demo_people import create_people, renew_passwords  # noqa: PLC0415

    if options.new_passwords:
        say(passwords_text(renew_passwords()))
        return 0
    if not options.dev:
        call_command("collectstatic", interactive=False, verbosity=0)
    say(welcome_text(options.port, options.data, create_people()))
    return serve_and_reload(options.port) if options.dev else serve(options.port)


def check_port(port: int) -> None:
    """Exit with a message if the portal cannot listen on this port of localhost."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    sys.exit(
                        f"Port {port} is taken by another program, perhaps by a portal that is "
                        "running already.\n"
                        f"Stop that one, or choose another port:  make run PORT={port + 1}"
                    )
                if error.errno == errno.EACCES:
                    sys.exit(f"Port {port} is for root only; choose one above 1023.")
                if family == socket.AF_INET:
                    raise  # a machine may lack IPv6, but not 127.0.0.1


def set_environment(data: Path, port: int, settings: str) -> None:
    """Set the variables that `portal.settings` reads, over those of the shell (DATABASE_URL)."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": settings,
        "DEMO": "true",
        "SECRET_KEY": kept(data / "secret_key", lambda: secrets.token_urlsafe(48)),
        "PUBLIC_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": f"sqlite:///{quote(str(data / 'db.sqlite3'))}",
        "STATIC_ROOT": str(data / "static"),
        "GRANIAN_BLOCKING_THREADS": "128",
        # A receiver of webhooks is tried out on this machine too.
        "WEBHOOK_KEYS": "env:DEMO_WEBHOOK_KEY",
        "DEMO_WEBHOOK_KEY": kept(data / "webhook_key.pem", lambda: new_pem().decode()),
        "OUTGOING_NETWORKS": "127.0.0.0/8,::1/128",
        "OUTGOING_HTTP": "true",
    }


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return the secret in this file; make it, readable by its owner only, if it is missing."""
    try:
        # Creation sets the mode, so that other users can never read the file.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    secret = make()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secret}\n")
    return secret


def welcome_text(port: int, data: Path, passwords: Mapping[str, str]) -> str:
    """Return the text that is shown after the start: URL, users and next steps."""
    how = passwords_text(passwords) if passwords else PASSWORDS_SHOWN
    folder = data.relative_to(Path.cwd()) if data.is_relative_to(Path.cwd()) else data
    return f"""
The Key portal is at  http://localhost:{port}

{how}

Your data is in {folder} and survives a restart.
Ctrl-C stops the portal.  rm -r {folder}  starts over with an empty one.
"""


def passwords_text(passwords: Mapping[str, str]) -> str:
    """Return the lines that show the passwords by e-mail address."""
    lines = [f"  {email:23}{password}" for email, password in passwords.items()]
    return "\n".join(["Sign in with one of these, shown only this once:", *lines])


def say(text: str) -> None:
    """Print text for the person who started the portal."""
    sys.stdout.write(f"{text.rstrip()}\n\n")
    sys.stdout.flush()


def serve(port: int) -> int:
    """Run server and worker until the server ends or Ctrl-C is pressed; return its exit code."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    # The server warns about the number of threads, which is intended: most of them wait.
    command += ["--workers-kill-timeout", "5", "--log-level", "error"]
    command += ["portal.wsgi:application"]
    # A process group of its own: otherwise Ctrl-C would reach the server's processes too. One that
    # receives two stop signals, from the terminal and from its server, hangs.
    return run_with_worker(command, process_group=0)


def serve_and_reload(port: int) -> int:
    """Run Django's development server, which restarts when the code changes, and a worker.

    The worker does not restart.
    """
    command = [sys.executable, "manage.py", "runserver", f"localhost:{port}"]
    # In the terminal's process group, so that a debugger can read from the terminal.
    return run_with_worker(command, process_group=None)


def run_with_worker(command: Sequence[str], *, process_group: int | None) -> int:
    """Run a server and a worker until the server ends or Ctrl-C is pressed."""
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, signal.default_int_handler)
    server = subprocess.Popen(command, cwd=ROOT, process_group=process_group)  # noqa: S603 - fixed
    work = [sys.executable, "manage.py", "work"]
    worker = subprocess.Popen(work, cwd=ROOT, process_group=0)  # noqa: S603 - a fixed command
    try:
        with contextlib.suppress(KeyboardInterrupt):
            return server.wait()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.terminate()
        return server.wait()
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    sys.exit(main())
