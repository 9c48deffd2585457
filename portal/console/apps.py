"""The console application."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The pages for admins of the portal."""

    name = "portal.console"
