"""`/readyz`: whether this server can serve; `/healthz`, whether its process lives, is answered by the middleware."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.db.partitions import list_partitioned_tables
from core.db.sql import fetch_all
from core.exceptions import DomainError

logger = logging.getLogger(__name__)


@require_safe
@transaction.non_atomic_requests
def answer_ready(request: HttpRequest) -> JsonResponse:
    """Each check with `ok` and, where it is not, what is wrong; 503 unless all are well."""
    checks = {}
    for name, check in CHECKS.items():
        try:
            with transaction.atomic():
                problem = check()
        except Error as error:
            # Anybody may ask: the details are in the log.
            logger.error("readiness check %s failed", name, exc_info=error)
            problem = "the database does not answer"
        except DomainError as error:
            problem = error.detail
        checks[name] = {"ok": not problem} | ({"problem": problem} if problem else {})
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def check_database() -> str:
    """Nothing, where the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def check_migrations() -> str:
    """The migrations that are not applied."""
    loader = MigrationLoader(connection)
    missing = loader.graph.nodes.keys() - loader.applied_migrations.keys()
    return ", ".join(f"{app}.{name} is not applied" for app, name in sorted(missing))


def check_partitions() -> str:
    """The tables whose rows of today go to their DEFAULT partition."""
    parameters = {"tables": list_partitioned_tables(), "at": timezone.now()}
    rows = fetch_all("core", "list_uncovered_tables", parameters, file="health")
    return ", ".join(f"{row['table_name']} has no partition for now" for row in rows)


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "partitions": check_partitions,
}
