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

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.chaos.compose.images import build, next_version
from tests.chaos.compose.person import sign_in
from tests.chaos.compose.secrets import check_secrets
from tests.chaos.compose.site import PROJECT, NotKept, Site, engine
from tests.chaos.compose.steps import Drill, begin
from tests.chaos.compose.tree import copy_of_the_tree, fill_in
from tests.keys import new_private_key, public_pem


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
        for service in ("prune", "judge", "worker"):
            drill.step(f"{service} killed", partial(drill.kill, service), may_lose=set())
        drill.step("database killed", partial(drill.kill, "database"), may_lose={"page", "token"})
        everything = {"key set", "page", "token", "kept"}
        drill.step("nginx killed", partial(drill.kill, "nginx"), may_lose=everything)
        all_at_once = ("nginx", "prune", "judge", "worker", "portal-2", "portal-1", "database")
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
