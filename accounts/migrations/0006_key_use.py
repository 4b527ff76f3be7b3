"""API keys sign in: rotation, partners, where they are used, and rate limits."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateLimit",
            fields=[
                (
                    "subject",
                    models.CharField(
                        db_comment="key:ID, user:ID, or address: and a keyed hash of the address.",
                        help_text="key:ID, user:ID, or address: and a keyed hash of the address.",
                        max_length=80,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "full_at",
                    models.DateTimeField(
                        db_comment="When the whole allowance is there again, if nothing more is spent.",
                        help_text="When the whole allowance is there again, if nothing more is spent.",
                    ),
                ),
            ],
            options={
                "verbose_name": "rate limit",
                "db_table": "rate_limits",
                "db_table_comment": "How much of its allowance of requests a key, a user or an address has spent.",
                "ordering": ["subject"],
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="apikey",
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [("manage_apikey", "Can manage the API keys of anybody")],
                "verbose_name": "API key",
            },
        ),
        migrations.AddField(
            model_name="apikey",
            name="partner",
            field=models.ForeignKey(
                blank=True,
                db_comment="Whose system signs in; its agreement bounds the key. Null for a program of our own.",
                help_text="Whose system signs in; its agreement bounds the key. Null for a program of our own.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to="accounts.partnerconfig",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="previous_secret_hash",
            field=models.BinaryField(
                db_comment="SHA-256 of the secret before the last rotation, 32 bytes.",
                help_text="SHA-256 of the secret before the last rotation, 32 bytes.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="previous_until",
            field=models.DateTimeField(
                blank=True,
                db_comment="Until when the secret before the last rotation works.",
                editable=False,
                help_text="Until when the secret before the last rotation works.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="rotated_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When the key got its present secret; null for the first.",
                editable=False,
                help_text="When the key got its present secret; null for the first.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When it was last used, to the minute.",
                editable=False,
                help_text="When it was last used, to the minute.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="ApiKeyUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(db_comment="The day, UTC.", help_text="The day, UTC.")),
                (
                    "address",
                    models.GenericIPAddressField(
                        db_comment="Where it came from; null where that is not known.",
                        help_text="Where it came from; null where that is not known.",
                        null=True,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("used", "Used"),
                            ("wrong_secret", "Wrong secret"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                            ("owner", "Its owner is not active"),
                            ("network", "Not from its networks"),
                            ("partner", "Its partner is not active"),
                        ],
                        db_comment="used, or why the key was refused, such as expired.",
                        help_text="used, or why the key was refused, such as expired.",
                        max_length=20,
                    ),
                ),
                (
                    "first_at",
                    models.DateTimeField(
                        db_comment="When this was seen first.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When this was seen first.",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        db_comment="The key.",
                        db_constraint=False,
                        db_index=False,
                        help_text="The key.",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="uses",
                        to="accounts.apikey",
                    ),
                ),
            ],
            options={
                "verbose_name": "use of an API key",
                "verbose_name_plural": "uses of API keys",
                "db_table": "api_key_uses",
                "db_table_comment": "One address from which a key was used on one day, or from which it was refused for one reason.",
                "ordering": ["-first_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("key", "day", "outcome", "address"), name="api_key_uses_uq", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                ["used", "wrong_secret", "revoked", "expired", "owner", "network", "partner"],
                            )
                        ),
                        name="api_key_uses_outcome_ck",
                    ),
                ],
            },
        ),
        RunSQLFile("accounts", "0006_key_use"),
    ]
