"""The services that are killed, replaced and restored, and the checks after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from tests.chaos.compose.load import Load
from tests.chaos.compose.person import Person
from tests.chaos.compose.site import PROJECT, Site, check, documented, is_up, wait
from tests.keys import new_private_key, public_pem

CALM_S = 3
"""For so long nothing is lost before a step is over."""


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
    for service in ("prune", "judge", "worker"):
        site.start(service)
    wait(lambda: is_up(site), what="The site is up")


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
