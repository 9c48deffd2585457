"""The command that is documented for trying the mail server out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from smtplib import SMTPRecipientsRefused

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.mail_server import MailServer, mail_server
from tests.ops.production import PRODUCTION, ROOT
from tests.ops.test_settings import read

COMMAND = re.findall(
    r"(?m)^python manage.py (sendtestemail) (\S+)", (ROOT / "docs/operations.md").read_text("utf-8")
)


def address(server: MailServer) -> str:
    """Return the value of EMAIL_URL for this mail server."""
    return f"smtp://127.0.0.1:{server.port}"


def test_a_mail_that_is_taken_comes_from_our_address() -> None:
    with mail_server(refuses=False) as server:
        ended = subprocess.run(
            [sys.executable, "manage.py", *COMMAND[0]],
            cwd=ROOT,
            env={**PRODUCTION, "PATH": os.environ["PATH"], "EMAIL_URL": address(server)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "mail FROM:<keys@keys.example.com>" in server.commands
    assert f"rcpt TO:<{COMMAND[0][1]}>" in server.commands
    [message] = server.messages
    assert "\nSubject: Test email from" in message


def test_a_mail_that_is_refused_says_why(settings: Settings) -> None:
    with mail_server(refuses=True) as server:
        for name, value in vars(read(EMAIL_URL=address(server))).items():
            if name.startswith("EMAIL_"):
                setattr(settings, name, value)
        with pytest.raises(SMTPRecipientsRefused, match="no such mailbox"):
            call_command(*COMMAND[0])
