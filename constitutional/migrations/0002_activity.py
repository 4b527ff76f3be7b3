"""What users did, as a view."""

from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keys_and_partners"),
        ("constitutional", "0001_policies_and_violations"),
    ]

    operations = [
        migrations.CreateModel(
            name="UserActivity",
            fields=[
                (
                    "id",
                    models.IntegerField(
                        db_comment="The user.", help_text="The user.", primary_key=True, serialize=False
                    ),
                ),
                ("username", models.CharField(db_comment="The name.", help_text="The name.", max_length=50)),
                (
                    "role",
                    models.CharField(
                        db_comment="admin, operator, user or readonly.",
                        help_text="admin, operator, user or readonly.",
                        max_length=50,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_comment="Whether the user may sign in.", help_text="Whether the user may sign in."
                    ),
                ),
                ("last_login", models.DateTimeField(db_comment="Last sign-in.", help_text="Last sign-in.", null=True)),
                (
                    "runs_owned",
                    models.BigIntegerField(
                        db_comment="Runs the user answers for.", help_text="Runs the user answers for."
                    ),
                ),
                (
                    "live_keys",
                    models.BigIntegerField(
                        db_comment="API keys that are not revoked.", help_text="API keys that are not revoked."
                    ),
                ),
                (
                    "acknowledged",
                    models.BigIntegerField(db_comment="Violations acknowledged.", help_text="Violations acknowledged."),
                ),
                (
                    "resolved",
                    models.BigIntegerField(
                        db_comment="Violations resolved or found false.",
                        help_text="Violations resolved or found false.",
                    ),
                ),
                ("notes", models.BigIntegerField(db_comment="Notes written.", help_text="Notes written.")),
                (
                    "last_active_at",
                    models.DateTimeField(
                        db_comment="Last sign-in or review, whichever is later.",
                        help_text="Last sign-in or review, whichever is later.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "user activity",
                "verbose_name_plural": "user activity",
                "db_table": "user_activity_view",
                "db_table_comment": "One user with sign-ins, runs, keys and reviews: a view, for administrators.",
                "ordering": ["username"],
                "managed": False,
            },
        ),
        RunSQLFile("constitutional", "0003_activity"),
    ]
