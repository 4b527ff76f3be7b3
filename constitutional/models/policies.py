"""Policies and their versions."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from constitutional.choices import PolicyType
from constitutional.constants import FUNDAMENTAL_PRIORITY
from constitutional.policy_content import PolicyContentError, validate_policy_content
from constitutional.querysets import ConstitutionalPolicyManager, PolicyVersionQuerySet
from core.models.base import RecordModel, TimestampedModel


class ConstitutionalPolicy(TimestampedModel):
    """A rule that the monitor holds every run to; editable, with every state it was in kept as a version.

    Edited by operators and administrators. A fundamental policy has priority 10 and is neither switched off nor
    deleted; nor is one deleted that a violation cites.
    """

    id = models.AutoField(primary_key=True)
    policy_name = models.CharField(
        max_length=255,
        validators=[RegexValidator(r"\S", "A name is needed.")],
        help_text="What people call the policy; unique whatever the case.",
    )
    policy_type = models.CharField(
        max_length=50,
        choices=PolicyType,
        help_text="fundamental (invariants, never off), operational (latency, cadence), "
        "safety (bounds of the dynamics) or ethical (handling of data).",
    )
    policy_content = models.JSONField(
        help_text="What is measured, when it is breached, how severe that is and what follows; policy_schema.json."
    )
    priority_level = models.IntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="1 to 10, the highest; 10 if fundamental.",
    )
    is_active = models.BooleanField(default=True, db_default=True, help_text="Whether the monitor applies it.")
    version = models.IntegerField(
        default=1, db_default=1, editable=False, help_text="Number of its current version; kept by a trigger."
    )

    objects = ConstitutionalPolicyManager()

    class Meta:
        db_table = "constitutional_policies"
        ordering = ["policy_name"]
        verbose_name = "policy"
        verbose_name_plural = "policies"
        indexes = [
            # The policies in force, by type and weight.
            models.Index(
                fields=["policy_type", "priority_level"], condition=Q(is_active=True), name="idx_active_policies"
            )
        ]
        constraints = [
            # One policy of a name; also the index for finding it.
            models.UniqueConstraint(
                Lower("policy_name"),
                name="constitutional_policies_name_uq",
                violation_error_message="There is a policy of this name.",
            ),
            models.CheckConstraint(condition=Q(policy_name__regex=r"\S"), name="constitutional_policies_name_ck"),
            models.CheckConstraint(
                condition=Q(policy_type__in=PolicyType.values), name="constitutional_policies_type_ck"
            ),
            models.CheckConstraint(condition=Q(priority_level__range=(1, 10)), name="chk_priority_level"),
            models.CheckConstraint(
                condition=~Q(policy_type=PolicyType.FUNDAMENTAL) | Q(priority_level=FUNDAMENTAL_PRIORITY),
                name="constitutional_policies_fundamental_priority_ck",
            ),
            models.CheckConstraint(
                condition=~Q(policy_type=PolicyType.FUNDAMENTAL) | Q(is_active=True),
                name="constitutional_policies_fundamental_active_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.policy_name

    def natural_key(self) -> tuple[str]:
        """The name."""
        return (self.policy_name,)

    def clean(self) -> None:
        """Raise a ValidationError with every problem of the content, and of what a fundamental policy has to be."""
        errors: dict[str, list[str]] = {}
        try:
            validate_policy_content(self.policy_content)
        except PolicyContentError as error:
            errors["policy_content"] = [f"{path or 'The document'}: {text}" for path, text in error.problems]
        if self.policy_type == PolicyType.FUNDAMENTAL:
            if self.priority_level != FUNDAMENTAL_PRIORITY:
                errors["priority_level"] = [f"A fundamental policy has priority {FUNDAMENTAL_PRIORITY}."]
            if not self.is_active:
                errors["is_active"] = ["A fundamental policy cannot be switched off."]
        if errors:
            raise ValidationError(errors)


class PolicyVersion(RecordModel):
    """One state a policy was in and when; written by a trigger on every change whoever made it, append-only.

    Only `valid_to` is ever set later, and `policy` becomes null when the policy is deleted.
    """

    append_only = True

    policy = models.ForeignKey(
        ConstitutionalPolicy,
        on_delete=models.DO_NOTHING,
        null=True,
        db_index=False,
        related_name="versions",
        help_text="The policy; null once it was deleted.",
    )
    version = models.IntegerField(help_text="1 for the policy as it was made, and so on.")
    policy_name = models.CharField(max_length=255, help_text="Its name then.")
    policy_type = models.CharField(max_length=50, choices=PolicyType, help_text="Its type then.")
    policy_content = models.JSONField(help_text="Its content then.")
    priority_level = models.IntegerField(help_text="Its priority then.")
    is_active = models.BooleanField(help_text="Whether the monitor applied it.")
    valid_from = models.DateTimeField(help_text="When the policy came to be so.")
    valid_to = models.DateTimeField(null=True, help_text="When it was changed or deleted; null while it is current.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The user who made it so, where the connection said so.",
    )
    database_role = models.CharField(max_length=63, help_text="The database role that made it so.")
    change_note = models.TextField(blank=True, help_text="Why, in the author's words.")

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        db_table = "constitutional_policy_versions"
        ordering = ["policy_id", "-version"]
        verbose_name = "policy version"
        constraints = [
            # The history of a policy, and the version a violation cites.
            models.UniqueConstraint(fields=["policy", "version"], name="constitutional_policy_versions_uq"),
            # A policy has one current version.
            models.UniqueConstraint(
                fields=["policy"], condition=Q(valid_to=None), name="constitutional_policy_versions_current_uq"
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=models.F("valid_from")),
                name="constitutional_policy_versions_times_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_name}, version {self.version}"
