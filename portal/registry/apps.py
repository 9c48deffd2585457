"""The registry application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Clients, their keys and their events."""

    name = "portal.registry"

    def ready(self) -> None:
        """Make the registry's kinds of tasks known to the workers."""
        # Models can be imported only now.
        from portal.registry.actions.carry_on_job import CARRY_ON  # noqa: PLC0415
        from portal.registry.uses import COUNT  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        register(CARRY_ON)
        register(COUNT)
