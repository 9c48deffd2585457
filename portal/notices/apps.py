"""The notices application."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """E-mails about clients and keys."""

    name = "portal.notices"

    def ready(self) -> None:
        """Make the kinds of tasks known to the workers."""
        # Models can be imported only now.
        from portal.notices.clock import CLOCK  # noqa: PLC0415
        from portal.notices.digest import DIGEST  # noqa: PLC0415
        from portal.notices.follow import FOLLOW  # noqa: PLC0415
        from portal.notices.policy import POLICY  # noqa: PLC0415
        from portal.notices.set_aside import SET_ASIDE  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415

        register(FOLLOW)
        register(CLOCK)
        register(DIGEST)
        register(POLICY)
        register(SET_ASIDE)
