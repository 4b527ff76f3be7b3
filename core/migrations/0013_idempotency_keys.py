"""Requests that were carried out under an Idempotency-Key."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_identity"),
        ("core", "0012_partition_care"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "route",
                    models.CharField(
                        db_comment="Path that it was sent to.", help_text="Path that it was sent to.", max_length=200
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        db_comment="The Idempotency-Key, as the caller chose it.",
                        help_text="The Idempotency-Key, as the caller chose it.",
                        max_length=255,
                    ),
                ),
                (
                    "body_sha256",
                    models.BinaryField(
                        db_comment="SHA-256 of query, media type and decompressed body.",
                        help_text="SHA-256 of query, media type and decompressed body.",
                    ),
                ),
                (
                    "status",
                    models.SmallIntegerField(
                        db_comment="Status of the answer, 200 to 299.", help_text="Status of the answer, 200 to 299."
                    ),
                ),
                (
                    "media_type",
                    models.CharField(
                        db_comment="Content-Type of the answer.",
                        help_text="Content-Type of the answer.",
                        max_length=100,
                    ),
                ),
                ("answer", models.BinaryField(db_comment="Body of the answer.", help_text="Body of the answer.")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When the request was carried out.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the request was carried out.",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_comment="Who sent the request.",
                        db_index=False,
                        help_text="Who sent the request.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "idempotency_keys",
                "db_table_comment": "One request that was carried out under an `Idempotency-Key`, with its answer; a retry is given the answer again.",
                "ordering": ["-id"],
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["created_at"], name="idempotency_keys_created_brin"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "route", "key"), name="idempotency_keys_uq"),
                    models.CheckConstraint(
                        condition=models.Q(("status__gte", 200), ("status__lt", 300)), name="idempotency_keys_status_ck"
                    ),
                ],
            },
        ),
        RunSQLFile("core", "0014_idempotency_keys"),
    ]
