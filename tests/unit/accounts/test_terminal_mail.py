"""E-mails in the terminal."""

from __future__ import annotations

from io import StringIO

from django.core.mail import EmailMultiAlternatives

from portal.accounts.terminal_mail import EmailBackend


def test_terminal_shows_the_text_and_no_html() -> None:
    message = EmailMultiAlternatives("Hello", "A “text”", to=["ann@example.com"])
    message.attach_alternative("<p>HTML</p>", "text/html")
    stream = StringIO()
    EmailBackend(stream=stream).send_messages([message])
    shown = stream.getvalue()
    assert "Subject: Hello" in shown
    assert "A “text”" in shown
    assert "HTML" not in shown
    assert message.alternatives
