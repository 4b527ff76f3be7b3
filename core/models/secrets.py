"""Secrets that administrators give by name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.db.encryption import EncryptedTextField
from core.models.base import TimestampedModel


class NamedSecret(TimestampedModel):
    """A secret that other rows refer to by name, such as the key that signs webhooks; encrypted, and never shown again.

    Set and removed by administrators; read where neither a file nor the environment has a secret of the name.
    """

    name = models.CharField(
        max_length=100, unique=True, help_text="What rows refer to it by: a-z, 0-9, '.', '_', '-'; it stays."
    )
    value = EncryptedTextField(bound_to="name", help_text="The secret, encrypted (AES-256-GCM) and bound to the name.")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="Who set it last; null for a command.",
    )

    class Meta:
        db_table = "named_secrets"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(name__regex=r"^[a-z][a-z0-9_.-]*$"), name="named_secrets_name_ck"),
        ]

    def __str__(self) -> str:
        return self.name
