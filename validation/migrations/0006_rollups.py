"""Rollups of metric samples by minute, hour and day, and the log of what is to be rolled up."""

import django.db.models.deletion
from django.db import migrations, models

import core.db.numeric
from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0012_partition_care"),
        ("validation", "0005_row_security"),
    ]

    operations = [
        RunSQLFile(
            "validation",
            "0008_rollups",
            state_operations=[
                migrations.CreateModel(
                    name="MetricRollup",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run",
                                "series",
                                "width_s",
                                "bucket",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "width_s",
                            models.IntegerField(
                                db_comment="Length of the bucket: 60, 3600 or 86400, s.",
                                help_text="Length of the bucket: 60, 3600 or 86400, s.",
                            ),
                        ),
                        (
                            "bucket",
                            models.DateTimeField(
                                db_comment="Start of the bucket, UTC, inclusive.",
                                help_text="Start of the bucket, UTC, inclusive.",
                            ),
                        ),
                        (
                            "n",
                            models.BigIntegerField(
                                db_comment="Number of samples, at least 1.", help_text="Number of samples, at least 1."
                            ),
                        ),
                        (
                            "v_min",
                            models.FloatField(
                                db_comment="Least value, in the unit of the series.",
                                help_text="Least value, in the unit of the series.",
                            ),
                        ),
                        (
                            "v_max",
                            models.FloatField(
                                db_comment="Largest value, in the unit of the series.",
                                help_text="Largest value, in the unit of the series.",
                            ),
                        ),
                        (
                            "v_sum",
                            core.db.numeric.NumericField(
                                db_comment="Sum of the values as decimals of 15 digits, exact, in the unit of the series.",
                                help_text="Sum of the values as decimals of 15 digits, exact, in the unit of the series.",
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
                                related_name="rollups",
                                to="validation.metricseries",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "metric_rollups",
                        "default_permissions": (),
                        "db_table_comment": "What is known of one series in one minute, hour or day that has samples; computed by the worker from the samples.",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("width_s__in", [60, 3600, 86400])), name="metric_rollups_width_ck"
                            ),
                            models.CheckConstraint(condition=models.Q(("n__gt", 0)), name="metric_rollups_n_ck"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MetricLatest",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run", "series", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "recorded_at",
                            models.DateTimeField(db_comment="When it was measured.", help_text="When it was measured."),
                        ),
                        (
                            "value",
                            models.FloatField(
                                db_comment="What was measured, in the unit of the series.",
                                help_text="What was measured, in the unit of the series.",
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run of the series.",
                                db_constraint=False,
                                db_index=False,
                                help_text="The run of the series.",
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
                        "db_table": "metric_latest",
                        "default_permissions": (),
                        "db_table_comment": "The newest sample of one series, as of the last rollup; of samples of one time the one of the greatest value.",
                    },
                ),
                migrations.CreateModel(
                    name="MetricRollupTouch",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run", "series", "bucket", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "bucket",
                            models.DateTimeField(
                                db_comment="Start of the minute, UTC.", help_text="Start of the minute, UTC."
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run of the series.",
                                db_constraint=False,
                                db_index=False,
                                help_text="The run of the series.",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="core.run",
                            ),
                        ),
                        (
                            "series",
                            models.ForeignKey(
                                db_comment="The series.",
                                db_constraint=False,
                                db_index=False,
                                help_text="The series.",
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="validation.metricseries",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "metric_rollup_log",
                        "default_permissions": (),
                        "db_table_comment": "One minute of a series that samples arrived in since it was rolled up; by a trigger, taken by the worker.",
                        "indexes": [
                            models.Index(fields=["run", "series", "bucket"], name="metric_rollup_log_series_idx")
                        ],
                    },
                ),
            ],
        ),
    ]
