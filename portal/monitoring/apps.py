"""The monitoring application."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Counts of the registry, and the metrics of each process."""

    name = "portal.monitoring"

    def ready(self) -> None:
        """Make the task that counts known to the workers, which serve what is in the database."""
        # Models can be imported only now.
        from portal.monitoring.counts import COUNT  # noqa: PLC0415
        from portal.work.tasks import register  # noqa: PLC0415
        from portal.work.worker import process_starts  # noqa: PLC0415

        register(COUNT)
        process_starts.connect(_serve)


def _serve(**_: object) -> None:
    from portal.monitoring.collectors import of_database  # noqa: PLC0415
    from portal.monitoring.serve import serve_metrics  # noqa: PLC0415

    serve_metrics(of_database)
