"""The console application."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """What admins of the portal see and do."""

    name = "portal.console"
