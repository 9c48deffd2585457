"""What the engine and the logs show of the secrets."""

from __future__ import annotations

import re

from tests.chaos.compose.site import ROOT, SERVICES, Site, check


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
