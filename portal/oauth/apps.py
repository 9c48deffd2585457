"""The oauth application."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """The OAuth endpoints."""

    name = "portal.oauth"
