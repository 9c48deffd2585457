"""The oauth application."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """What machines are served."""

    name = "portal.oauth"
