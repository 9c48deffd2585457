"""Gateways that verify tokens with a client's key set: Envoy, and Apache with mod_oauth2.

Each answers 200 to a request with a token that it verifies, and 401 to any other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.postgres import die_with_parent
from tests.processes import end, free_port, wait_until_it_listens
from tests.waiting import PATIENCE_S

Ask = Callable[[str], int]
"""From a token to the status of the answer."""

ISSUER = "interop"
"""Who has to have issued a token that Envoy takes."""

ENVOY = Path(sys.executable).with_name("envoy")
APACHE = shutil.which("apache2", path=os.environ["PATH"] + ":/usr/sbin") or "apache2"
APACHE_MODULES = Path("/usr/lib/apache2/modules")

APACHE_CONFIGURATION = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/log
DocumentRoot {folder}
DefaultRuntimeDir {folder}
{modules}
{user}
<Location />
AuthType oauth2
OAuth2TokenVerify jwks_uri {jwks_url} jwks_uri.expiry={cache_s}&expiry={cache_s}&verify.iat=skip
Require valid-user
</Location>
"""


@contextmanager
def envoy(jwks_url: str, cache_s: int) -> Iterator[Ask]:
    """Run Envoy with this cache_duration and otherwise the settings of docs/verifiers.md."""
    port = free_port()
    command: list[str | Path] = [
        ENVOY,
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ]
    with tempfile.TemporaryDirectory(prefix="envoy-") as folder:
        config = Path(folder) / "envoy.json"
        config.write_text(json.dumps(_envoy_configuration(port, jwks_url, cache_s)))
        with _running([*command, "-c", config], Path(folder) / "log", port) as ask:
            yield ask


def _envoy_configuration(port: int, jwks_url: str, cache_s: int) -> dict[str, Any]:
    portal = urlsplit(jwks_url)
    filters = "type.googleapis.com/envoy.extensions.filters"
    remote_jwks = {
        "http_uri": {"uri": jwks_url, "cluster": "portal", "timeout": "5s"},
        "cache_duration": f"{cache_s}s",
    }
    verify = {
        "@type": f"{filters}.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"client": {"issuer": ISSUER, "remote_jwks": remote_jwks}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "client"}}],
    }
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.jwt_authn", "typed_config": verify},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{filters}.http.router.v3.Router"},
            },
        ],
    }
    listener = {
        "address": _address("127.0.0.1", port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    endpoint = {"endpoint": {"address": _address(portal.hostname, portal.port)}}
    cluster = {
        "name": "portal",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "portal",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(host: str | None, port: int | None) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


@contextmanager
def apache(jwks_url: str, cache_s: int) -> Iterator[Ask]:
    """Run Apache with these expiries and otherwise the settings of docs/verifiers.md."""
    port = free_port()
    names = ["mpm_event", "authn_core", "authz_core", "authz_user", "oauth2"]
    # Its workers are somebody else, who cannot read the folders of the tests.
    with tempfile.TemporaryDirectory(prefix="apache-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "index").write_text("here")
        config = folder / "apache.conf"
        configuration = APACHE_CONFIGURATION.format(
            folder=folder,
            port=port,
            modules="\n".join(f"LoadModule {n}_module {APACHE_MODULES}/mod_{n}.so" for n in names),
            user="User nobody\nGroup nogroup" if os.geteuid() == 0 else "",
            jwks_url=jwks_url,
            cache_s=cache_s,
        )
        config.write_text(configuration)
        with _running([APACHE, "-f", config, "-DFOREGROUND"], folder / "log", port) as ask:
            yield ask


@contextmanager
def _running(command: list[str | Path], log: Path, port: int) -> Iterator[Ask]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )

    try:
        wait_until_it_listens(process, port, log)
        yield lambda token: _status(f"http://127.0.0.1:{port}/index", token)
    finally:
        end(process)


def _status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310 - our own
            found: int = response.status
            return found
    except urllib.error.HTTPError as error:
        return error.code
