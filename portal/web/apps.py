"""The web application."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """HTML for people."""

    name = "portal.web"
