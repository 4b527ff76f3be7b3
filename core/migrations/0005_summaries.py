"""How old the materialized summaries are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="SummaryRefresh",
            fields=[
                (
                    "name",
                    models.CharField(
                        db_comment="The materialized view.",
                        help_text="The materialized view.",
                        max_length=63,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "refreshed_at",
                    models.DateTimeField(
                        db_comment="When its last refresh began: it holds what was there then.",
                        help_text="When its last refresh began: it holds what was there then.",
                    ),
                ),
                (
                    "duration_ms",
                    models.FloatField(
                        db_comment="How long the refresh took, ms.", help_text="How long the refresh took, ms."
                    ),
                ),
            ],
            options={
                "verbose_name": "summary refresh",
                "verbose_name_plural": "summary refreshes",
                "db_table": "summary_refreshes",
                "db_table_comment": "When a materialized summary was last refreshed, and how long that took; written by the worker.",
                "ordering": ["name"],
            },
        ),
    ]
