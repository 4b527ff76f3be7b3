"""What this process counts about itself, for `/metrics`."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from prometheus_client import Counter, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("nfcs_http_requests", "Requests answered.", ["view", "method", "status"])
LATENCY = Histogram("nfcs_http_request_duration_seconds", "Time from request to answer.", ["view", "method"])
INGESTED_ROWS = Counter("nfcs_ingested_rows", "Rows of telemetry committed by the processes of this server.", ["table"])


def count_ingested(table: str, rows: int) -> None:
    """Count rows as ingested once the current transaction has committed."""
    transaction.on_commit(partial(INGESTED_ROWS.labels(table).inc, rows))
