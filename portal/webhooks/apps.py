"""The webhooks application."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Webhooks, and what was sent to them."""

    name = "portal.webhooks"

    def ready(self) -> None:
        """Make the kinds of tasks known to the workers."""
        # Models can be imported only now.
        from portal.webhooks.deliver import WEBHOOK  # noqa: PLC0415
        from portal.webhooks.follow import FOLLOW  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        register(FOLLOW)
        register(WEBHOOK)
