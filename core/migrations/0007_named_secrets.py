"""Secrets by name, encrypted."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.db.encryption
from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0006_audit_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NamedSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the row was made.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row was made.",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the row last changed; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the row last changed; kept by a trigger.",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        db_comment="What rows refer to it by: a-z, 0-9, '.', '_', '-'; it stays.",
                        help_text="What rows refer to it by: a-z, 0-9, '.', '_', '-'; it stays.",
                        max_length=100,
                        unique=True,
                    ),
                ),
                (
                    "value",
                    core.db.encryption.EncryptedTextField(
                        bound_to="name",
                        db_comment="The secret, encrypted (AES-256-GCM) and bound to the name.",
                        help_text="The secret, encrypted (AES-256-GCM) and bound to the name.",
                        max_length=4096,
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Who set it last; null for a command.",
                        editable=False,
                        help_text="Who set it last; null for a command.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "named_secrets",
                "db_table_comment": "A secret that other rows refer to by name, such as the key that signs webhooks; encrypted, and never shown again.",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z][a-z0-9_.-]*$")), name="named_secrets_name_ck"
                    )
                ],
            },
        ),
        RunSQLFile("core", "0009_named_secrets"),
    ]
