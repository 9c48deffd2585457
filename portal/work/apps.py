"""The work application."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """Tasks that `manage.py work` does."""

    name = "portal.work"
