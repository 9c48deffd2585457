"""A mail server (SMTP, RFC 5321) that a test starts, as much of one as Django needs."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from tests.waiting import PATIENCE_S


class MailServer(socketserver.ThreadingTCPServer):
    """Takes messages; or refuses each recipient; or does not answer while `may_answer` is clear."""

    daemon_threads = True

    def __init__(self, *, refuses: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.refuses = refuses
        self.commands: list[str] = []
        self.messages: list[str] = []
        self.may_answer = Event()
        self.may_answer.set()

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return int(self.server_address[1])


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, MailServer)
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            self.server.commands.append(line)
            if self.server.refuses and line.upper().startswith("RCPT"):
                self._say("550 no such mailbox")
            elif line.upper() == "DATA":
                self._say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode().rstrip(), ".")
                self.server.messages.append("\n".join(lines))
                self.server.may_answer.wait(PATIENCE_S)
                self._say("250 taken")
            else:
                self._say("250 yes")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(*, refuses: bool = False) -> Iterator[MailServer]:
    """Serve until the block ends."""
    with MailServer(refuses=refuses) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.may_answer.set()
            server.shutdown()
            thread.join()
