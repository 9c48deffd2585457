"""The registry application."""

from typing import Any

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Clients, their keys and their events."""

    name = "portal.registry"

    def ready(self) -> None:
        """Make the registry's tasks known to the workers, and record who is created as an admin."""
        # Models can be imported only now.
        from portal.accounts.models import admin_created  # noqa: PLC0415
        from portal.registry.actions.carry_on_job import CARRY_ON  # noqa: PLC0415
        from portal.registry.policy_survey import SURVEY  # noqa: PLC0415
        from portal.registry.replacements import PUBLICATION  # noqa: PLC0415
        from portal.registry.uses import COUNT  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        register(CARRY_ON)
        register(COUNT)
        register(SURVEY)
        register(PUBLICATION)
        admin_created.connect(_grant_admin)


def _grant_admin(user: Any, **_others: Any) -> None:
    from portal.registry.actions import grant_admin  # noqa: PLC0415
    from portal.registry.models import PORTAL  # noqa: PLC0415

    grant_admin(user, by=PORTAL)
