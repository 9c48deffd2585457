"""The messages that the portal sends by e-mail."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Final

from django.core import mail
from django.core.mail import EmailMessage

from portal.accounts.mail import MESSAGE, NOTICE
from portal.accounts.password_reset import RESET
from portal.work.worker import Worker
from tests.interop.served import database_url
from tests.mail_server import MailServer
from tests.ops.production import PRODUCTION, ROOT
from tests.waiting import wait_until

MAIL: Final = (MESSAGE.name, NOTICE.name, RESET.name)
"""The kinds of tasks that send messages."""


def delivered() -> list[EmailMessage]:
    """Let a worker send what is due, and return all messages that were sent."""
    worker = Worker(kinds=MAIL)
    while worker.step():
        pass
    sent: list[EmailMessage] = mail.outbox
    return sent


def use(server: MailServer, settings: Any) -> None:
    """Let the workers of this process send to the mail server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port


def kill_worker_while_it_sends(server: MailServer, settings: Any) -> None:
    """Start a worker, and kill it when the mail server has a message and has not answered."""
    server.may_answer.clear()
    environment = PRODUCTION | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen([sys.executable, "manage.py", "work"], cwd=ROOT, env=environment) as it:
        try:
            wait_until(lambda: server.messages, "It sends nothing.")
        finally:
            it.kill()
    server.may_answer.set()
