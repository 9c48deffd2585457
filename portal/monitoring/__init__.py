"""What operators see of the portal: metrics for Prometheus (ADR 0030)."""
