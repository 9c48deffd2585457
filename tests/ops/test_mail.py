"""The command that is documented for trying the mail server out."""

from __future__ import annotations

import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ops.production import PRODUCTION, ROOT

COMMAND = re.findall(
    r"(?m)^python manage.py (sendtestemail) (\S+)", (ROOT / "docs/operations.md").read_text("utf-8")
)


class Server(socketserver.TCPServer):
    """A mail server that takes one mail, or nobody."""

    refuses = False
    received = ""


class Talk(socketserver.StreamRequestHandler):
    """SMTP (RFC 5321), as much as it takes."""

    def handle(self) -> None:
        assert isinstance(self.server, Server)
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            self.server.received += f"{line}\n"
            if self.server.refuses and line.upper().startswith("RCPT"):
                self.say("550 no such mailbox")
            elif line.upper() == "DATA":
                self.say("354 go on")
                while (text := self.rfile.readline().decode().rstrip()) != ".":
                    self.server.received += f"{text}\n"
                self.say("250 taken")
            else:
                self.say("250 yes")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(*, refuses: bool) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Talk) as server:
        server.refuses = refuses
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server
        thread.join()


def send(server: Server) -> subprocess.CompletedProcess[str]:
    """Run the documented command in the settings of production, with this mail server."""
    return subprocess.run(
        [sys.executable, "manage.py", *COMMAND[0]],
        cwd=ROOT,
        env={
            **PRODUCTION,
            "PATH": os.environ["PATH"],
            "EMAIL_URL": f"smtp://127.0.0.1:{server.server_address[1]}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_mail_that_is_taken_comes_from_our_address() -> None:
    with mail_server(refuses=False) as server:
        ended = send(server)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "mail FROM:<keys@keys.example.com>" in server.received
    assert f"rcpt TO:<{COMMAND[0][1]}>" in server.received
    assert "\nSubject: Test email from" in server.received


def test_a_mail_that_is_refused_says_why() -> None:
    with mail_server(refuses=True) as server:
        ended = send(server)
    assert ended.returncode != 0
    assert "no such mailbox" in ended.stderr
