"""The samples under NeuralBlitz's name."""

from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0002_alerts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Metric",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        db_comment="As in system_metrics.",
                        help_text="As in system_metrics.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "ts",
                    models.DateTimeField(
                        db_comment="When it was measured, UTC.", help_text="When it was measured, UTC."
                    ),
                ),
                (
                    "name",
                    models.CharField(db_comment="What was measured.", help_text="What was measured.", max_length=100),
                ),
                ("value", models.FloatField(db_comment="The value, in unit.", help_text="The value, in unit.")),
                ("unit", models.CharField(db_comment="Unit, UCUM.", help_text="Unit, UCUM.", max_length=20, null=True)),
                ("kind", models.CharField(db_comment="gauge.", help_text="gauge.", max_length=10)),
                (
                    "labels",
                    models.JSONField(
                        db_comment="Tags, with component and run.", help_text="Tags, with component and run."
                    ),
                ),
            ],
            options={
                "db_table": "metrics",
                "db_table_comment": "A sample as NeuralBlitz's table `metrics` has it: a view of the same samples, read only.",
                "managed": False,
                "default_permissions": (),
            },
        ),
        RunSQLFile("validation", "0005_metrics_view"),
    ]
