"""Firefox and WebKit, as Debian packages that are found on PATH.

Playwright drives only its own builds of the two. Firefox itself speaks WebDriver BiDi
(https://w3c.github.io/webdriver-bidi/), and WebKit's driver speaks classic WebDriver
(https://www.w3.org/TR/webdriver2/). In both, a test calls functions in the page and
moves the mouse.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from websockets.sync.client import ClientConnection, connect

from tests.processes import end, free_port, wait_until_it_listens
from tests.waiting import PATIENCE_S, wait_until

# The page is loaded, and htmx replaces no part of it, after which the page may scroll.
_FIND: Final = """
const calm = document.readyState === "complete"
    && !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling");
const all = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE);
const shown = Array.from({length: all.snapshotLength}, (_, at) => all.snapshotItem(at))
    .find((each) => calm && each.getClientRects().length);
"""
_IS_SHOWN: Final = f"(xpath) => {{ {_FIND} return Boolean(shown); }}"
_VALUE: Final = f"(xpath) => {{ {_FIND} return shown.value; }}"
# Where a click reaches the element; null if there is no such place, or something covers it.
_PLACE: Final = f"""(xpath) => {{ {_FIND}
    shown?.scrollIntoView({{behavior: "instant", block: "center"}});
    const box = shown?.getClientRects()[0];
    const place = box && [box.x + box.width / 2, box.y + box.height / 2].map(Math.round);
    return place && shown.contains(document.elementFromPoint(...place)) ? place : null;
}}"""
# The whole text at once, as when a person pastes it: the browser itself sends the input event.
_INSERT: Final = f"""(xpath, text) => {{ {_FIND}
    shown.focus(); shown.select(); document.execCommand("insertText", false, text);
}}"""


class RefusedError(Exception):
    """The browser refuses a command, for example while it loads the next page."""


class Page(ABC):
    """The window of a browser. Each element is given as an XPath, and must be visible."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Load a page."""

    @abstractmethod
    def _call(self, function: str, *arguments: str) -> str:
        """Return the text that a JavaScript function returns. Raises RefusedError."""

    @abstractmethod
    def _perform(self, actions: list[dict[str, Any]]) -> None:
        """Perform actions of input devices, which both protocols describe alike."""

    def click(self, xpath: str) -> None:
        """Wait for an element, scroll to it, and click on its centre."""
        found: list[int] = []

        def is_reached() -> bool:
            found[:] = self._look(_PLACE, xpath) or []
            return bool(found)

        wait_until(is_reached, f"Not to be clicked: {xpath}")
        steps = [
            {"type": "pointerMove", "x": found[0], "y": found[1]},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._perform([{"type": "pointer", "id": "mouse", "actions": steps}])

    def fill(self, xpath: str, text: str) -> None:
        """Wait for a field, and replace its text."""
        self.wait_for(xpath)
        self._ask(_INSERT, xpath, text)

    def value(self, xpath: str) -> str:
        """Return the text in a field."""
        return str(self._ask(_VALUE, xpath))

    def wait_for(self, xpath: str) -> None:
        """Return when the page is loaded and the element visible."""
        wait_until(lambda: self._look(_IS_SHOWN, xpath), f"Not visible: {xpath}")

    def _look(self, function: str, xpath: str) -> Any:
        """Return what the function returns; None if the browser refuses to call it now."""
        with suppress(RefusedError):
            return self._ask(function, xpath)
        return None

    def _ask(self, function: str, *arguments: str) -> Any:
        text = f"(...given) => JSON.stringify(({function})(...given) ?? null)"
        return json.loads(self._call(text, *arguments))


class _FirefoxPage(Page):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._send("session.new", capabilities={})
        self._context = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        self._send("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def _call(self, function: str, *arguments: str) -> str:
        answer = self._send(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": each} for each in arguments],
            target={"context": self._context},
            awaitPromise=False,
        )
        if answer["type"] != "success":
            raise RefusedError(answer)
        return str(answer["result"]["value"])

    def _perform(self, actions: list[dict[str, Any]]) -> None:
        self._send("input.performActions", context=self._context, actions=actions)

    def _send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(command))
        answer: dict[str, Any] = {}
        while answer.get("id") != self._number:
            answer = json.loads(self._connection.recv(PATIENCE_S))
        if answer["type"] != "success":
            raise RefusedError(answer)
        return answer["result"]


class _WebKitPage(Page):
    def __init__(self, session: str) -> None:
        self._session = session

    def goto(self, url: str) -> None:
        self._post("url", url=url)

    def _call(self, function: str, *arguments: str) -> str:
        return str(
            self._post("execute/sync", script=f"return ({function})(...arguments)", args=arguments)
        )

    def _perform(self, actions: list[dict[str, Any]]) -> None:
        self._post("actions", actions=actions)

    def _post(self, command: str, **body: Any) -> Any:
        answer = requests.post(f"{self._session}/{command}", json=body, timeout=PATIENCE_S)
        if not answer.ok:
            raise RefusedError(answer.text)
        return answer.json()["value"]


@contextmanager
def firefox(folder: Path) -> Iterator[Page]:
    """Start Firefox without a window; its profile and its log are in the empty folder."""
    command = ["firefox-esr", "--headless", "--profile", str(folder)]
    with _started([*command, "--remote-debugging-port", "0"], folder, "firefox-esr") as browser:
        # WebDriver BiDi listening on ws://127.0.0.1:36713
        url = browser.said(r"BiDi listening on (ws://\S+)")
        with connect(f"{url}/session", max_size=None) as connection:
            yield _FirefoxPage(connection)


@contextmanager
def webkit(folder: Path) -> Iterator[Page]:
    """Start WebKit's small browser on a display of its own; the logs are in the empty folder."""
    with ExitStack() as stack:
        command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"]
        screen = stack.enter_context(_started(command, folder, "xvfb"))
        display = screen.said(r"^(\d+)\n")
        port = free_port()
        command = ["WebKitWebDriver", f"--port={port}"]
        package = "webkit2gtk-driver"
        # Drawing by OpenGL without a graphics card takes most of the processor time.
        settings = {"DISPLAY": f":{display}", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        driver = stack.enter_context(_started(command, folder, package, **settings))
        wait_until_it_listens(driver.process, port, driver.log)
        url = f"http://127.0.0.1:{port}/session"
        answer = requests.post(url, json={"capabilities": {}}, timeout=PATIENCE_S)
        assert answer.ok, answer.text
        session = f"{url}/{answer.json()['value']['sessionId']}"
        stack.callback(requests.delete, session, timeout=PATIENCE_S)
        yield _WebKitPage(session)


@dataclass(frozen=True)
class _Started:
    process: subprocess.Popen[bytes]
    log: Path

    def said(self, pattern: str) -> str:
        """Return what the pattern's group finds in the log, when it does."""

        def found() -> re.Match[str] | None:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            return re.search(pattern, self.log.read_text("utf-8"))

        wait_until(found, f"It does not say {pattern}")
        match = found()
        assert match
        return match[1]


@contextmanager
def _started(command: list[str], folder: Path, package: str, **more: str) -> Iterator[_Started]:
    """Start a program of a Debian package with the folder as its home, and end it."""
    program = shutil.which(command[0])
    assert program, f"{command[0]} is missing: apt-get install {package}"
    log = folder / f"{command[0]}.log"
    environment = os.environ | {"HOME": str(folder)} | more
    with log.open("wb") as out:
        process = subprocess.Popen([program, *command[1:]], env=environment, stdout=out, stderr=out)
    try:
        yield _Started(process, log)
    finally:
        end(process)
