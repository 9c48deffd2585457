"""The accounts application."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    """Users and how they sign in."""

    name = "portal.accounts"

    def ready(self) -> None:
        """Make the messages known to the workers, and log who signs in."""
        # Models can be imported only now.
        from portal.accounts.mail import MESSAGE, NOTICE  # noqa: PLC0415
        from portal.accounts.password_reset import RESET  # noqa: PLC0415
        from portal.accounts.sign_in_log import note_signed_in  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        user_logged_in.connect(note_signed_in)
        register(MESSAGE)
        register(NOTICE)
        register(RESET)
