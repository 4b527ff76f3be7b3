"""Partners: other organisations' systems."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.choices import AuthKind, PartnerStatus
from core.models.base import TimestampedModel


class PartnerConfig(TimestampedModel):
    """What is agreed with one partner: where its system is, what it may see, for how long."""

    partner = models.CharField(max_length=200, help_text="Name of the partner.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="partner_configs",
        help_text="Who answers for the partner here.",
    )
    endpoint = models.URLField(max_length=500, blank=True, help_text="Address of its system, https.")
    auth_kind = models.CharField(
        max_length=20, choices=AuthKind, default=AuthKind.NONE, help_text="How we prove ourselves to it."
    )
    secret_ref = models.CharField(
        max_length=100, blank=True, help_text="Name of the secret for that, never the secret itself."
    )
    webhook_key_ref = models.CharField(
        max_length=100, blank=True, help_text="Name of the key that signs webhooks to it, never the key itself."
    )
    allowed_scopes = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Permissions its keys may carry.",
    )
    data_classes = ArrayField(
        models.CharField(max_length=50), default=list, blank=True, help_text="Classes of data it may see."
    )
    licences = ArrayField(
        models.CharField(max_length=100), default=list, blank=True, help_text="Licences of data it may see."
    )
    retention_days = models.IntegerField(null=True, blank=True, help_text="How long it may keep what it got, days.")
    status = models.CharField(
        max_length=20,
        choices=PartnerStatus,
        default=PartnerStatus.DRAFT,
        help_text="draft, active, suspended or closed; closed is terminal.",
    )

    class Meta:
        db_table = "partner_configs"
        ordering = ["partner"]
        verbose_name = "partner"
        indexes = [
            # "Which partners may do this?"
            GinIndex(fields=["allowed_scopes"], name="partner_configs_scopes_gin"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("partner"), name="partner_configs_partner_uq"),
            models.CheckConstraint(condition=Q(status__in=PartnerStatus.values), name="partner_configs_status_ck"),
            models.CheckConstraint(condition=Q(auth_kind__in=AuthKind.values), name="partner_configs_auth_kind_ck"),
            models.CheckConstraint(
                condition=Q(endpoint="") | Q(endpoint__startswith="https://"), name="partner_configs_endpoint_ck"
            ),
            models.CheckConstraint(
                condition=Q(retention_days=None) | Q(retention_days__gt=0), name="partner_configs_retention_ck"
            ),
            models.CheckConstraint(
                condition=Q(auth_kind=AuthKind.NONE) | ~Q(secret_ref=""), name="partner_configs_secret_ref_ck"
            ),
        ]

    def __str__(self) -> str:
        return self.partner
