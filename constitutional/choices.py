"""Enumerated values of the constitutional app."""

from django.db import models


class PolicyType(models.TextChoices):
    """What a policy protects: invariants, the running of the loop, bounds of the dynamics, the handling of data."""

    FUNDAMENTAL = "fundamental"
    OPERATIONAL = "operational"
    SAFETY = "safety"
    ETHICAL = "ethical"


class ViolationType(models.TextChoices):
    """How severe a violation is: the steps of `severity_score`."""

    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    CRITICAL = "critical"


class ResolutionStatus(models.TextChoices):
    """Review of a violation: pending -> acknowledged -> resolved or false_positive, which are terminal."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive", "False positive"


class NoteAction(models.TextChoices):
    """What a note records: a remark, or a step of the review."""

    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    FALSE_POSITIVE = "false_positive", "False positive"


class ClearedReason(models.TextChoices):
    """Why an episode ended."""

    CALM = "calm", "The metric came back inside its clear threshold"
    POLICY_CHANGED = "policy_changed", "The policy changed; monitoring began anew"
    POLICY_INACTIVE = "policy_inactive", "The policy is no longer applied"
    RUN_ENDED = "run_ended", "The run ended"


class GuardLevel(models.TextChoices):
    """Where the controller's state machine stands; failure is terminal until an operator releases it."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
    EMERGENCY = "emergency"
    RECOVERY = "recovery"
    FAILURE = "failure"


class GuardCause(models.TextChoices):
    """Why a level was entered."""

    HA = "ha", "Hallucination number"
    INTEGRITY = "integrity"
    INVALID = "invalid", "Invalid data"
    CALM = "calm"
    MAX_DURATION = "max_duration", "Longest duration"
    OPERATOR = "operator"


OPEN_STATUSES = (ResolutionStatus.PENDING, ResolutionStatus.ACKNOWLEDGED)
"""Violations that still wait for somebody."""
TERMINAL_STATUSES = (ResolutionStatus.RESOLVED, ResolutionStatus.FALSE_POSITIVE)
