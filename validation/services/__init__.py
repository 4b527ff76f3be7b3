"""Every write of the validation app."""

from validation.services.metrics import record_metrics, record_validation_run

__all__ = ["record_metrics", "record_validation_run"]
