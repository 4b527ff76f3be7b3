"""Closed days of samples as arrays, and one place where all samples are read."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("validation", "0006_rollups"),
    ]

    operations = [
        RunSQLFile(
            "validation",
            "0009_metric_days",
            state_operations=[
                migrations.CreateModel(
                    name="MetricPoint",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run",
                                "series",
                                "recorded_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "recorded_at",
                            models.DateTimeField(
                                db_comment="When it was measured, UTC.", help_text="When it was measured, UTC."
                            ),
                        ),
                        (
                            "value",
                            models.FloatField(
                                db_comment="The value in the unit of its series.",
                                help_text="The value in the unit of its series.",
                            ),
                        ),
                        (
                            "day_at",
                            models.DateTimeField(
                                db_comment="What partitions are found by: at or before recorded_at, and less than a day before it.",
                                help_text="What partitions are found by: at or before recorded_at, and less than a day before it.",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "metric_points",
                        "db_table_comment": "Every sample, of open days and of compacted ones: a view. Bound `day_at` as well as `recorded_at`.",
                        "managed": False,
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="MetricDay",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run", "series", "day", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "day",
                            models.DateTimeField(
                                db_comment="Start of the day, UTC, inclusive; partition key, monthly.",
                                help_text="Start of the day, UTC, inclusive; partition key, monthly.",
                            ),
                        ),
                        (
                            "n",
                            models.IntegerField(
                                db_comment="Number of samples, at least 1.", help_text="Number of samples, at least 1."
                            ),
                        ),
                        (
                            "times",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.DateTimeField(),
                                db_comment="When each was measured, UTC, ascending.",
                                help_text="When each was measured, UTC, ascending.",
                                size=None,
                            ),
                        ),
                        (
                            "samples",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(),
                                db_comment="The value of each, in the unit of its series, finite.",
                                help_text="The value of each, in the unit of its series, finite.",
                                size=None,
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run of its series.",
                                db_constraint=False,
                                db_index=False,
                                help_text="The run of its series.",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="core.run",
                            ),
                        ),
                        (
                            "series",
                            models.ForeignKey(
                                db_comment="What was measured.",
                                db_constraint=False,
                                db_index=False,
                                help_text="What was measured.",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="validation.metricseries",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "metric_days",
                        "db_table_comment": "The samples of one series on one UTC day that is over, as arrays; partitioned by month of `day`.",
                        "default_permissions": (),
                    },
                ),
            ],
        ),
    ]
