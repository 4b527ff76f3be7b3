"""Runs shared with groups."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("core", "0007_named_secrets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RunShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When it was shared.",
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When it was shared.",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_comment="Whose members see the run; roles are groups as well.",
                        help_text="Whose members see the run; roles are groups as well.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="run_shares",
                        to="auth.group",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The shared run.",
                        help_text="The shared run.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="core.run",
                    ),
                ),
                (
                    "shared_by",
                    models.ForeignKey(
                        blank=True,
                        db_comment="Who shared it; null for the system.",
                        help_text="Who shared it; null for the system.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "run_shares",
                "db_table_comment": "A run that the members of a group may read.",
                "ordering": ["run", "group"],
                "constraints": [models.UniqueConstraint(fields=("run", "group"), name="run_shares_run_group_uq")],
            },
        ),
        RunSQLFile("core", "0010_run_shares"),
    ]
