"""The registry application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Clients, their keys and what happened to them."""

    name = "portal.registry"
