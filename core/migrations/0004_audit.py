"""The audit trail and its trigger."""

import django.contrib.postgres.indexes
import django.db.models.functions.datetime
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_neurons"),
    ]

    operations = [
        RunSQLFile(
            "core",
            "0007_audit",
            state_operations=[
                migrations.CreateModel(
                    name="AuditEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ts",
                            models.DateTimeField(
                                db_comment="When the statement ran, UTC; partition key, monthly.",
                                db_default=django.db.models.functions.datetime.Now(),
                                help_text="When the statement ran, UTC; partition key, monthly.",
                            ),
                        ),
                        (
                            "actor_id",
                            models.IntegerField(
                                db_comment="The user who did it, where the connection said so.",
                                help_text="The user who did it, where the connection said so.",
                                null=True,
                            ),
                        ),
                        (
                            "database_role",
                            models.CharField(
                                db_comment="The database role that did it.",
                                help_text="The database role that did it.",
                                max_length=63,
                            ),
                        ),
                        (
                            "action",
                            models.CharField(
                                db_comment="create, update, delete, read or execute.",
                                help_text="create, update, delete, read or execute.",
                                max_length=10,
                            ),
                        ),
                        (
                            "table_name",
                            models.CharField(
                                db_comment="Schema and table.", help_text="Schema and table.", max_length=127
                            ),
                        ),
                        (
                            "row_key",
                            models.CharField(
                                db_comment="Primary key of the row.",
                                help_text="Primary key of the row.",
                                max_length=255,
                            ),
                        ),
                        (
                            "payload",
                            models.BinaryField(
                                db_comment="Canonical JSON of the row before and after, UTF-8: the bytes that are hashed.",
                                help_text="Canonical JSON of the row before and after, UTF-8: the bytes that are hashed.",
                            ),
                        ),
                        (
                            "payload_sha256",
                            models.BinaryField(
                                db_comment="SHA-256 of the payload.", help_text="SHA-256 of the payload."
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "audit entry",
                        "verbose_name_plural": "audit entries",
                        "db_table": "golden_dag_audit",
                        "db_table_comment": "One change of one row, with the exact bytes that say what changed; written by triggers, whoever made the change.",
                        "ordering": ["-ts", "-id"],
                        "indexes": [
                            models.Index(fields=["id"], name="golden_dag_audit_id_idx"),
                            models.Index(fields=["table_name", "row_key", "-ts"], name="golden_dag_audit_row_idx"),
                            models.Index(fields=["actor_id", "-ts"], name="golden_dag_audit_actor_idx"),
                            django.contrib.postgres.indexes.BrinIndex(fields=["ts"], name="golden_dag_audit_ts_brin"),
                        ],
                    },
                ),
            ],
        ),
    ]
