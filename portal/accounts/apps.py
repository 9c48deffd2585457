"""The accounts application."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and how they sign in."""

    name = "portal.accounts"

    def ready(self) -> None:
        """Make the messages known to the workers."""
        # Models can be imported only now.
        from portal.accounts.mail import MESSAGE  # noqa: PLC0415
        from portal.accounts.password_reset import RESET  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        register(MESSAGE)
        register(RESET)
