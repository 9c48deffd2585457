"""The registry application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Clients, their keys and their events."""

    name = "portal.registry"
