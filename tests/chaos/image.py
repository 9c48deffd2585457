"""Build the image, run compose.yaml with it, and kill it piece by piece: `make test-image`.

Takes what is in the working tree, beside private files that must not get into the image. Then it
does as docs/operations.md says: migrates, serves, signs somebody in and registers keys through
nginx, while others fetch key sets, open pages and get tokens. It kills and starts each of the
services, then all of them, reloads nginx and empties its cache, replaces the portals by the
documented commands, rolls them back, and restores a backup. Prints for each step what was asked and
what was lost, and ends with 1 when a promise was not kept.

It needs Docker with Compose, or what takes the same words: `DOCKER=podman`. Nothing of it touches a
portal that runs on the same machine: project, image, network and ports are its own.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import IO, Any, Self

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import requests  # noqa: E402

from tests.assertions import claims_of, form_of, sign  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.ops.demo import Browser  # noqa: E402
from tests.ops.running import free_port  # noqa: E402

PROJECT = "key-portal-test"
SERVICES = ("database", "portal-1", "portal-2", "nginx", "prune", "judge")
EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
PATIENCE_S = 120
ASKERS = 4
CALM_S = 3
"""For so long nothing is lost before a step is over."""

DOCKER = 'docker() { "$ENGINE" "$@"; }\n'
# podman-compose would replace what depends on a service with it, nginx among it, and does not wait
# until a service is healthy, as podman asks nobody for that without systemd.
PODMAN = """
its() {
    "$ENGINE" ps --all --quiet --filter "label=com.docker.compose.service=$1" \\
        --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
}
docker() {
    case "$*" in
    "compose up"*)
        for service; do
            its "$service" | xargs -r "$ENGINE" rm --force --time 25
        done
        "$ENGINE" "$@"
        case "$*" in *--wait*)
            until "$ENGINE" healthcheck run "$(its "$service")"; do sleep 1; done
        esac ;;
    *) "$ENGINE" "$@" ;;
    esac
}
"""
MAKE_PERSON = """
from allauth.account.models import EmailAddress
from portal.accounts.models import User
person = User.objects.create_user({email!r}, {password!r})
EmailAddress.objects.update_or_create(
    user=person, email=person.email, defaults=dict(verified=True, primary=True))
"""


class NotKept(Exception):  # noqa: N818 - it says what it is
    """A promise was not kept."""


def check(kept: object, promise: str) -> None:
    """Raise `NotKept` when a promise was not kept."""
    if not kept:
        raise NotKept(promise)


# --- The engine ----------------------------------------------------------------------------------


def engine() -> str:
    """Return `docker` where a daemon answers, else the command that DOCKER names."""
    with suppress(OSError):
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if asked.returncode == 0:
            return "docker"
    named = os.environ.get("DOCKER", "")
    if not named or named == "docker":
        sys.exit(
            "No Docker answers here. Name a command that takes its words: "
            "make test-image DOCKER=podman"
        )
    return str(Path(named).resolve()) if "/" in named else named


@dataclass
class Site:
    """The services of compose.yaml in a folder of their own."""

    docker: str
    folder: Path
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    secret: dict[str, str] = field(default_factory=dict)
    waits_when_reloaded: bool = False
    """Whether this nginx keeps connections for their next request when it is reloaded."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    @property
    def certificate(self) -> str:
        return str(self.folder / "tls" / "fullchain.pem")

    def do(self, *words: str, given: str | None = None) -> str:
        """Run a command of the engine in the folder; it has to succeed."""
        ended = subprocess.run(
            [self.docker, *words],
            cwd=self.folder,
            env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT},
            capture_output=True,
            text=True,
            input=given,
            check=False,
        )
        check(not ended.returncode, f"{' '.join(words)[:200]}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def shell(self, commands: str) -> None:
        """Run commands as they are documented, by this engine."""
        environment = {"COMPOSE_PROJECT_NAME": PROJECT, "ENGINE": self.docker}
        ended = subprocess.run(
            ["sh", "-euc", (PODMAN if self.is_podman() else DOCKER) + commands],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        check(not ended.returncode, f"{commands}\n{ended.stdout}{ended.stderr}")

    def start(self, service: str) -> None:
        """Make and start a service, without those that it depends on."""
        self.do("compose", "up", "--no-build", "--detach", "--no-deps", service)

    def is_podman(self) -> bool:
        """Return whether the engine is podman, which does some things in other ways."""
        return "podman" in self.do("--version")

    def logs(self, service: str) -> str:
        """Return what a service has written to its output and its errors."""
        ended = subprocess.run(
            [self.docker, "logs", self.container(service)],
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout + ended.stderr

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        labels = (f"project={PROJECT}", f"service={service}")
        filters = [f"--filter=label=com.docker.compose.{each}" for each in labels]
        (found,) = self.do("ps", "--all", "--quiet", *filters).split()
        return found

    def is_healthy(self, service: str) -> bool:
        """Ask a service what its health check asks."""
        asked = {
            "database": ["pg_isready", "--host=127.0.0.1", "--username=portal", "--dbname=portal"],
        }.get(service) or ["python", "-c", _health_check()]
        with suppress(NotKept):
            self.do("exec", self.container(service), *asked)
            return True
        return False


def _health_check() -> str:
    """Return the program of the image's HEALTHCHECK."""
    found = re.search(
        r"(?s)HEALTHCHECK .*?CMD (\[.*?\])\n", (ROOT / "Dockerfile").read_text("utf-8")
    )
    assert found
    return str(json.loads(found[1])[2])


def wait(until: Callable[[], object], *, what: str) -> float:
    """Wait until something is so; return how many seconds it took."""
    began = time.monotonic()
    while not until():
        check(time.monotonic() < began + PATIENCE_S, f"{what}, within {PATIENCE_S} seconds")
        time.sleep(0.2)
    return time.monotonic() - began


# --- What is asked meanwhile ---------------------------------------------------------------------


@dataclass
class Load:
    """Others who ask all the time; what they were answered, by the kind of the question."""

    site: Site
    client_id: str
    kid: str
    private: Any
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._keep_asking) for _ in range(ASKERS)]
        self._threads += [threading.Thread(target=self._keep_one_connection) for _ in range(ASKERS)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for each in self._threads:
            each.join()

    def _keep_asking(self) -> None:
        while not self.over.wait(0.3):
            for kind in ("key set", "page", "token"):
                # Each on a connection of its own, as a client that begins now.
                with requests.Session() as session:
                    session.trust_env, session.verify = False, self.site.certificate
                    outcome = self._ask(session, kind)
                    if outcome != "200":
                        self.lost_at = time.monotonic()
                    self.outcomes[kind, outcome] += 1

    def _keep_one_connection(self) -> None:
        """Ask on one connection, as a client does that never looks whether it was closed."""
        context = ssl.create_default_context(cafile=self.site.certificate)
        wire = HTTPSConnection("localhost", self.site.https, timeout=20, context=context)
        while not self.over.wait(1):
            try:
                wire.request("GET", "/healthz")
                answer = wire.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, HTTPException) as failure:
                wire.close()
                outcome = type(failure).__name__
            if outcome != "200":
                self.lost_at = time.monotonic()
            self.outcomes["kept", outcome] += 1

    def _ask(self, session: requests.Session, kind: str) -> str:
        try:
            if kind == "key set":
                answer = session.get(
                    f"{self.site.url}/clients/{self.client_id}/jwks.json", timeout=20
                )
            elif kind == "page":
                answer = session.get(f"{self.site.url}/account/login/", timeout=20)
            else:
                claims = claims_of(self.client_id, self.site.url)
                assertion = sign(self.private, "ES256", claims, kid=self.kid)
                answer = session.post(
                    f"{self.site.url}/api/oauth2/token", form_of(assertion), timeout=20
                )
        except requests.RequestException as failure:
            return type(failure).__name__
        return str(answer.status_code)


@dataclass
class Person:
    """Somebody who is signed in and registers keys."""

    browser: Browser
    client_id: str
    acknowledged: set[str] = field(default_factory=set)

    def register(self, pem: str, label: str) -> str:
        """Register a key by the form; return its kid once the portal has acknowledged it."""
        path = f"/clients/{self.client_id}/"
        fields = {"material": pem, "alg": "ES256", "label": label}
        page = self.browser.fill_in(path, to=f"{path}keys/", **fields)
        found: list[str] = re.findall(r"/keys/([\w-]{43})/", page)
        new = set(found) - self.acknowledged
        check(len(new) == 1, f"One more key is on the page after it was registered: {new}")
        self.acknowledged |= new
        (kid,) = new
        return kid


# --- The steps -----------------------------------------------------------------------------------


def copy_of_the_tree(folder: Path) -> list[str]:
    """Copy what git knows, put private files beside it, and return what must be nowhere."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    marks = []
    for name in (
        *(".git/config", "secrets.env", "data/db.sqlite3", "private_key.pem", "dump.sql"),
        *("portal/private_key.pem", "portal/web/.env", "static/portal/tls.key", "templates/.env"),
    ):
        marks.append(f"private {secrets.token_hex(16)}")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(marks[-1])
    return marks


def fill_in(site: Site) -> None:
    """Write .env and a certificate for localhost, whose key only somebody else may read."""
    newest = re.search(r"nginx/([\d.]+)", _nginx_version(site))
    assert newest
    version = tuple(int(part) for part in newest[1].split("."))
    site.secret = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "mail": secrets.token_hex(24),
    }
    site.waits_when_reloaded = version >= (1, 27, 4)
    more = {} if site.waits_when_reloaded else {"SINCE_NGINX_1_27_4": ""}
    settings = {
        "SECRET_KEY": site.secret["SECRET_KEY"],
        "POSTGRES_PASSWORD": site.secret["POSTGRES_PASSWORD"],
        "PUBLIC_URL": site.url,
        "ALLOWED_HOSTS": "localhost",
        "PORTAL_HOST": "localhost",
        "EMAIL_URL": f"smtp+tls://portal:{site.secret['mail']}@mail.invalid:587",
        "TRUST_FORWARDED_PROTO": "true",
        "TRUSTED_PROXY_COUNT": "1",
        "IMAGE": PROJECT,
        "NETWORK": "172.31.118",
        "HTTP_PORT": str(site.http),
        "HTTPS_PORT": str(site.https),
        "JWKS_MAX_AGE": "1",
        "KEY_LIMIT": "100",
        **more,
    }
    (site.folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    tls = site.folder / "tls"
    tls.mkdir()
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tls / "privkey.pem"), "-out", site.certificate]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    (tls / "privkey.pem").chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(tls / "privkey.pem", 1000)
    site.secret["tls"] = (tls / "privkey.pem").read_text().splitlines()[1]


def _nginx_version(site: Site) -> str:
    image = re.search(r"image: (nginx:\S+)", (ROOT / "compose.yaml").read_text("utf-8"))
    assert image
    ended = subprocess.run(
        [site.docker, "run", "--rm", "--entrypoint", "nginx", image[1], "-v"],
        capture_output=True,
        text=True,
        check=True,
    )
    told: str = ended.stdout + ended.stderr
    return told


def build(site: Site, marks: list[str]) -> None:
    """Build the image, and look for private files in each layer and in what is said of it."""
    began = time.monotonic()
    site.do("build", "--quiet", "--tag", PROJECT, ".")
    took = time.monotonic() - began
    size = int(site.do("image", "inspect", "--format", "{{.Size}}", PROJECT))
    archive = site.folder.parent / "image.tar"
    site.do("save", "--output", str(archive), PROJECT)
    files = 0
    wanted = [mark.encode() for mark in marks]
    with tarfile.open(archive) as outer:
        for member in outer.getmembers():
            content = outer.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            for name, held in _files(content):
                files += 1
                check(
                    not any(mark in held for mark in wanted),
                    f"No private file is in the image, and one is in {member.name}: {name}",
                )
    archive.unlink()
    print(
        f"built in {took:.0f} s, {size / 1e6:.0f} MB; no private file among {files} in its layers"
    )


def _files(content: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Return the files of a layer, or the whole of what is none, with their names."""
    try:
        with tarfile.open(fileobj=content) as layer:
            for each in layer:
                found = layer.extractfile(each) if each.isfile() else None
                if found:
                    yield each.name, found.read()
    except tarfile.ReadError:
        content.seek(0)
        yield "", content.read()


def begin(site: Site) -> None:
    """Start the services in their order, as compose.yaml has it."""
    site.start("database")
    wait(lambda: site.is_healthy("database"), what="The database is healthy")
    site.do("compose", "run", "--rm", "--no-deps", "migrate")
    for service in ("portal-1", "portal-2"):
        began = time.monotonic()
        site.start(service)
        wait(partial(site.is_healthy, service), what=f"{service} is healthy")
        print(f"{service} is healthy {time.monotonic() - began:.1f} s after its start")
    site.start("nginx")
    for service in ("prune", "judge"):
        site.start(service)
    wait(lambda: is_up(site), what="The site is up")


def is_up(site: Site) -> bool:
    """Ask nginx for the health by its address, as load balancers do."""
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{site.http}/readyz", timeout=5).status_code == 200
    return False


def sign_in(site: Site) -> Person:
    """Make somebody, sign in through nginx and make a client."""
    site.do(
        *("exec", site.container("portal-1"), "/app/entry", "shell", "--command"),
        MAKE_PERSON.format(email=EMAIL, password=PASSWORD),
    )
    browser = Browser(site.url)
    # The environment may name other authorities, and requests would rather take those.
    browser.trust_env, browser.verify = False, site.certificate
    browser.fill_in("/account/login/", login=EMAIL, password=PASSWORD)
    browser.fill_in("/clients/new/", name="Payments")
    found = re.search(r"/clients/([\w-]+)/", browser.page.url)
    check(found, f"Somebody who has signed in makes a client: {browser.page.url}")
    assert found
    return Person(browser, found[1])


@dataclass
class Drill:
    """The steps, and what they have in common."""

    site: Site
    person: Person
    kid: str
    private: Any

    def step(self, name: str, act: Callable[[], None], *, may_lose: set[str]) -> None:
        """Do something while others ask; print what was lost and check what was acknowledged."""
        began = time.monotonic()
        with Load(self.site, self.person.client_id, self.kid, self.private) as load:
            time.sleep(CALM_S)
            check(not load.lost_at, f"Nothing is lost before: {name}, {load.outcomes}")
            act()
            wait(
                lambda: time.monotonic() > max(load.lost_at, began) + CALM_S and is_up(self.site),
                what=f"The site is well again by itself after: {name}",
            )
        told = []
        for kind in ("key set", "page", "token", "kept"):
            found = {how: n for (each, how), n in load.outcomes.items() if each == kind}
            lost = {how: n for how, n in sorted(found.items()) if how != "200"}
            told.append(f"{kind}s {found.get('200', 0)}, lost {lost or 0}")
            if kind not in may_lose:
                check(not lost, f"No {kind} is lost by: {name}, and these were: {lost}")
        print(f"{name}: {'; '.join(told)}; {time.monotonic() - began:.0f} s")
        self.check_keys()
        self.check_that_both_portals_serve()

    def check_keys(self) -> None:
        """Check that every key that was acknowledged is published, and register one more."""
        label = f"Key {len(self.person.acknowledged)}"
        self.person.register(public_pem(new_private_key("ES256")), label)
        time.sleep(3)  # the cache's second, and the two that a portal has to learn of a change
        url = f"{self.site.url}/clients/{self.person.client_id}/jwks.json"
        keys = self.person.browser.get(url, timeout=20).json()["keys"]
        check({key["kid"] for key in keys} == self.person.acknowledged, "Every key is published")

    def check_that_both_portals_serve(self) -> None:
        """Check that nginx reaches both portals, at the addresses that they have now."""
        began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

        def both_answer() -> bool:
            with suppress(requests.RequestException):
                requests.get(f"http://127.0.0.1:{self.site.http}/healthz", timeout=5)
            logged = self.site.logs("nginx").splitlines()
            lines = [line.split() for line in logged if " /healthz 200 " in line]
            reached = {line[7].strip('"') for line in lines if line[1] >= began}
            return len(reached) == 2

        wait(both_answer, what="nginx reaches both portals")

    def kill(self, *services: str) -> None:
        """Kill services at once and start them a second later, in this order."""
        containers = [self.site.container(each) for each in services]
        self.site.do("kill", *containers)
        time.sleep(1)
        for each in containers:
            self.site.do("start", each)

    def replace(self, image: str, *, left_out: tuple[str, ...] = ()) -> None:
        """Replace the portals by this image as docs/operations.md says, but for building."""
        self.site.do("tag", image, PROJECT)
        before = {each: self.site.container(each) for each in ("portal-1", "portal-2")}
        commands = documented("Replace the portals one by one")
        for line in ("docker compose build\n", *left_out):
            check(line in commands, f"docs/operations.md has {line}")
            commands = commands.replace(line, "")
        self.site.shell(commands)
        after = {each: self.site.container(each) for each in before}
        check(not set(before.values()) & set(after.values()), "Both portals were replaced")

    def empty_the_cache(self) -> None:
        """Empty the cache of nginx by the documented command, which reloads it."""
        self.site.shell(documented("To empty the cache altogether"))
        check("(SIGHUP) received" in self.site.logs("nginx"), "nginx was reloaded")
        listed = self.site.do("exec", self.site.container("nginx"), "ls", "/var/cache/nginx")
        check("key_sets" in listed, "nginx has its cache")

    def restore(self) -> None:
        """Restore a backup with the portals stopped; what was registered since is gone."""
        backup, restore = documented("In Compose the container of the database").splitlines()
        self.site.shell(backup)
        later = self.person.register(public_pem(new_private_key("ES256")), "Later")
        portals = [self.site.container(each) for each in ("portal-1", "portal-2")]
        self.site.do("stop", *portals)
        self.site.shell(restore)
        for each in portals:
            self.site.do("start", each)
        self.person.acknowledged.remove(later)


def documented(after: str) -> str:
    """Return the commands that docs/operations.md has next after some words."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    found = text.partition(after)[2].partition("```sh\n")[2].partition("```")[0]
    check(found, f"docs/operations.md has commands after: {after}")
    return found


def check_secrets(site: Site) -> None:
    """Check that the engine shows no secret that operations do not warn of, and logs show none."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    warned = set(
        re.findall(r"`([A-Z_]+)`", text.partition("**Secrets** are")[2].partition("\n\n")[0])
    )
    names = {
        "SECRET_KEY": "SECRET_KEY",
        "POSTGRES_PASSWORD": "POSTGRES_PASSWORD",
        "mail": "EMAIL_URL",
    }
    shown = set()
    for service in SERVICES:
        container = site.container(service)
        inspected = site.do("inspect", container)
        shown |= {
            names.get(name, name) for name, value in site.secret.items() if value in inspected
        }
        logged = site.logs(service)
        for name, value in site.secret.items():
            check(value not in logged, f"The log of {service} has no {name}")
    check(shown <= warned, f"operations.md warns of what docker inspect shows: {shown - warned}")
    print(f"docker inspect shows {', '.join(sorted(shown))}, as operations.md says; no log has one")


def next_version(site: Site) -> Path:
    """Return a folder that makes an image like ours with another identity."""
    folder = site.folder.parent / "next"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {PROJECT}\nLABEL version=next\n")
    return folder


def show_failures(site: Site, kind: object, *_: object) -> None:
    """Print what nginx and the portals had to say last, when a promise was not kept."""
    if not kind:
        return
    for service in ("nginx", "portal-1", "portal-2"):
        lines = site.logs(service).splitlines()
        failures = [each for each in lines if re.search(r" 50\d |\[error\]|WARN|ERROR", each)]
        print(f"{service} said:", *failures[-40:], sep="\n  ")


def run(site: Site) -> None:
    """Do all steps."""
    marks = copy_of_the_tree(site.folder)
    build(site, marks)
    fill_in(site)
    with ExitStack() as stack:
        stack.callback(site.do, "compose", "down", "--volumes", "--timeout", "1")
        stack.push(partial(show_failures, site))
        begin(site)
        person = sign_in(site)
        private = new_private_key("ES256")
        kid = person.register(public_pem(private), "First")
        time.sleep(3)
        drill = Drill(site, person, kid, private)
        for portal in ("portal-1", "portal-2"):
            drill.step(f"{portal} killed", partial(drill.kill, portal), may_lose={"token"})
        for service in ("prune", "judge"):
            drill.step(f"{service} killed", partial(drill.kill, service), may_lose=set())
        drill.step("database killed", partial(drill.kill, "database"), may_lose={"page", "token"})
        everything = {"key set", "page", "token", "kept"}
        drill.step("nginx killed", partial(drill.kill, "nginx"), may_lose=everything)
        all_at_once = ("nginx", "prune", "judge", "portal-2", "portal-1", "database")
        drill.step("all killed", partial(drill.kill, *all_at_once), may_lose=everything)
        drill.step(
            "nginx reloaded, its cache emptied",
            drill.empty_the_cache,
            may_lose=set() if site.waits_when_reloaded else {"kept"},
        )
        site.do("tag", PROJECT, f"{PROJECT}:previous")
        site.do("build", "--tag", f"{PROJECT}:next", str(next_version(site)))
        lose = {"kept"} if not site.waits_when_reloaded else set[str]()
        drill.step("portals replaced", partial(drill.replace, f"{PROJECT}:next"), may_lose=lose)
        not_back = ("docker compose run --rm migrate\n",)
        back = partial(drill.replace, f"{PROJECT}:previous", left_out=not_back)
        drill.step("portals rolled back", back, may_lose=lose)
        drill.step("backup restored", drill.restore, may_lose=everything)
        check_secrets(site)


def main() -> int:
    """Run the drill; return 1 when a promise was not kept."""
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        folder = Path(scratch) / "tree"
        folder.mkdir()
        try:
            run(Site(engine(), folder))
        except NotKept as promise:
            print(f"NOT KEPT: {promise}")
            return 1
    print("Every promise was kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
