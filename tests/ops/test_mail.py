"""The command that is documented for trying the mail server out."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.mail_server import MailServer, mail_server
from tests.ops.production import PRODUCTION, ROOT

COMMAND = re.findall(
    r"(?m)^python manage.py (sendtestemail) (\S+)", (ROOT / "docs/operations.md").read_text("utf-8")
)


def send(server: MailServer) -> subprocess.CompletedProcess[str]:
    """Run the documented command in the settings of production, with this mail server."""
    return subprocess.run(
        [sys.executable, "manage.py", *COMMAND[0]],
        cwd=ROOT,
        env={
            **PRODUCTION,
            "PATH": os.environ["PATH"],
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_mail_that_is_taken_comes_from_our_address() -> None:
    with mail_server(refuses=False) as server:
        ended = send(server)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "mail FROM:<keys@keys.example.com>" in server.commands
    assert f"rcpt TO:<{COMMAND[0][1]}>" in server.commands
    [message] = server.messages
    assert "\nSubject: Test email from" in message


def test_a_mail_that_is_refused_says_why() -> None:
    with mail_server(refuses=True) as server:
        ended = send(server)
    assert ended.returncode != 0
    assert "no such mailbox" in ended.stderr
