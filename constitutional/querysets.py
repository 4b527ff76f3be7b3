"""Chainable reads of the constitutional tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F

from constitutional.choices import OPEN_STATUSES


class ConstitutionalPolicyQuerySet(models.QuerySet[Any]):
    """Policies."""

    def active(self) -> Self:
        """Those that the monitor applies."""
        return self.filter(is_active=True)


class ConstitutionalPolicyManager(models.Manager.from_queryset(ConstitutionalPolicyQuerySet)):  # type: ignore[misc]
    """Policies by name, for fixtures."""

    def get_by_natural_key(self, policy_name: str) -> Any:
        """The policy called `policy_name`, whatever the case."""
        return self.get(policy_name__iexact=policy_name)


class PolicyVersionQuerySet(models.QuerySet[Any]):
    """States that policies were in."""

    def in_force(self) -> Self:
        """The current versions of active policies."""
        return self.filter(valid_to=None, is_active=True, policy__isnull=False)

    def at(self, moment: datetime) -> Self:
        """The versions that were current at `moment`."""
        return self.filter(valid_from__lte=moment).exclude(valid_to__lte=moment)


class ViolationQuerySet(models.QuerySet[Any]):
    """Violations."""

    def open(self) -> Self:
        """Those that still wait for somebody."""
        return self.filter(resolution_status__in=OPEN_STATUSES)

    def ongoing(self) -> Self:
        """Those whose episode has not ended."""
        return self.filter(cleared_at=None)

    def for_run(self, run_id: int) -> Self:
        """Those of one run."""
        return self.filter(run_id=run_id)

    def with_names(self) -> Self:
        """Rows that show policy, version, run and reviewers without another query."""
        return self.select_related("policy", "policy_version", "run", "acknowledged_by", "resolved_by")

    def newest_first(self) -> Self:
        """The order of lists and pages."""
        return self.order_by(F("detected_at").desc(), F("id").desc())
