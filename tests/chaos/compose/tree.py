"""The folder that the image is built from, and the settings of compose.yaml in it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from tests.chaos.compose.site import PROJECT, ROOT, Site


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
        *("portal/private_key.pem", "portal/web/.env", "static/web/tls.key", "templates/.env"),
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
