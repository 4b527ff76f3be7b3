"""API keys and partners."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
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
                        db_comment="What the key is for.", help_text="What the key is for.", max_length=100
                    ),
                ),
                (
                    "prefix",
                    models.CharField(
                        db_comment="Start of the key, shown to people.",
                        editable=False,
                        help_text="Start of the key, shown to people.",
                        max_length=8,
                        unique=True,
                    ),
                ),
                (
                    "secret_hash",
                    models.BinaryField(
                        db_comment="SHA-256 of the key's 256-bit secret, 32 bytes.",
                        help_text="SHA-256 of the key's 256-bit secret, 32 bytes.",
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        db_comment="Permissions it carries at most, such as core.add_run; the owner's own bound it too.",
                        default=list,
                        help_text="Permissions it carries at most, such as core.add_run; the owner's own bound it too.",
                        size=None,
                    ),
                ),
                (
                    "allowed_networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43),
                        blank=True,
                        db_comment="Networks it may come from, CIDR; empty for any.",
                        default=list,
                        help_text="Networks it may come from, CIDR; empty for any.",
                        size=None,
                    ),
                ),
                (
                    "rate_limit_per_min",
                    models.IntegerField(db_comment="Requests a minute.", default=600, help_text="Requests a minute."),
                ),
                (
                    "burst",
                    models.IntegerField(
                        db_comment="Requests that may come at once.",
                        default=60,
                        help_text="Requests that may come at once.",
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When it stops working by itself.",
                        help_text="When it stops working by itself.",
                        null=True,
                    ),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When somebody ended it.",
                        editable=False,
                        help_text="When somebody ended it.",
                        null=True,
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When it was last used.",
                        editable=False,
                        help_text="When it was last used.",
                        null=True,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_comment="For whom it signs in.",
                        help_text="For whom it signs in.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "db_table": "api_keys",
                "db_table_comment": "A key with which a program signs in for its owner; of the secret only a hash is kept.",
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(condition=models.Q(("revoked_at", None)), fields=["owner"], name="api_keys_live_idx"),
                    django.contrib.postgres.indexes.GinIndex(fields=["scopes"], name="api_keys_scopes_gin"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("rate_limit_per_min__gt", 0)), name="api_keys_rate_limit_ck"
                    ),
                    models.CheckConstraint(condition=models.Q(("burst__gt", 0)), name="api_keys_burst_ck"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PartnerConfig",
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
                    "partner",
                    models.CharField(
                        db_comment="Name of the partner.", help_text="Name of the partner.", max_length=200
                    ),
                ),
                (
                    "endpoint",
                    models.URLField(
                        blank=True,
                        db_comment="Address of its system, https.",
                        help_text="Address of its system, https.",
                        max_length=500,
                    ),
                ),
                (
                    "auth_kind",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("bearer", "Bearer token"),
                            ("hmac", "HMAC signature"),
                            ("mtls", "Client certificate"),
                        ],
                        db_comment="How we prove ourselves to it.",
                        default="none",
                        help_text="How we prove ourselves to it.",
                        max_length=20,
                    ),
                ),
                (
                    "secret_ref",
                    models.CharField(
                        blank=True,
                        db_comment="Name of the secret for that, never the secret itself.",
                        help_text="Name of the secret for that, never the secret itself.",
                        max_length=100,
                    ),
                ),
                (
                    "webhook_key_ref",
                    models.CharField(
                        blank=True,
                        db_comment="Name of the key that signs webhooks to it, never the key itself.",
                        help_text="Name of the key that signs webhooks to it, never the key itself.",
                        max_length=100,
                    ),
                ),
                (
                    "allowed_scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        db_comment="Permissions its keys may carry.",
                        default=list,
                        help_text="Permissions its keys may carry.",
                        size=None,
                    ),
                ),
                (
                    "data_classes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50),
                        blank=True,
                        db_comment="Classes of data it may see.",
                        default=list,
                        help_text="Classes of data it may see.",
                        size=None,
                    ),
                ),
                (
                    "licences",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        db_comment="Licences of data it may see.",
                        default=list,
                        help_text="Licences of data it may see.",
                        size=None,
                    ),
                ),
                (
                    "retention_days",
                    models.IntegerField(
                        blank=True,
                        db_comment="How long it may keep what it got, days.",
                        help_text="How long it may keep what it got, days.",
                        null=True,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("closed", "Closed"),
                        ],
                        db_comment="draft, active, suspended or closed; closed is terminal.",
                        default="draft",
                        help_text="draft, active, suspended or closed; closed is terminal.",
                        max_length=20,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_comment="Who answers for the partner here.",
                        help_text="Who answers for the partner here.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="partner_configs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "partner",
                "db_table": "partner_configs",
                "db_table_comment": "What is agreed with one partner: where its system is, what it may see, for how long.",
                "ordering": ["partner"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["allowed_scopes"], name="partner_configs_scopes_gin"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("partner"), name="partner_configs_partner_uq"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "active", "suspended", "closed"])),
                        name="partner_configs_status_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("auth_kind__in", ["none", "bearer", "hmac", "mtls"])),
                        name="partner_configs_auth_kind_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("endpoint", ""), ("endpoint__startswith", "https://"), _connector="OR"),
                        name="partner_configs_endpoint_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retention_days", None), ("retention_days__gt", 0), _connector="OR"),
                        name="partner_configs_retention_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("auth_kind", "none"), models.Q(("secret_ref", ""), _negated=True), _connector="OR"
                        ),
                        name="partner_configs_secret_ref_ck",
                    ),
                ],
            },
        ),
        RunSQLFile("accounts", "0002_keys_and_partners"),
    ]
