"""Metric series, samples and their view; validation runs."""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0002_substrate"),
    ]

    operations = [
        migrations.CreateModel(
            name="SystemMetric",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        db_comment="Hash of series and time: identity of a point, not a sequence; ignored when inserted.",
                        help_text="Hash of series and time: identity of a point, not a sequence; ignored when inserted.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "metric_name",
                    models.CharField(db_comment="What was measured.", help_text="What was measured.", max_length=100),
                ),
                (
                    "metric_value",
                    models.FloatField(db_comment="The value, in metric_unit.", help_text="The value, in metric_unit."),
                ),
                (
                    "metric_unit",
                    models.CharField(
                        db_comment="Unit, UCUM; null where none was given.",
                        help_text="Unit, UCUM; null where none was given.",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        db_comment="What it was measured on.", help_text="What it was measured on.", max_length=50
                    ),
                ),
                (
                    "tags",
                    models.JSONField(
                        db_comment="What else tells its series from others, an object.",
                        default=dict,
                        help_text="What else tells its series from others, an object.",
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_comment="When it was measured, UTC; now when not inserted.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When it was measured, UTC; now when not inserted.",
                    ),
                ),
            ],
            options={
                "db_table": "system_metrics",
                "db_table_comment": "A sample beside its series, as the seed's table `system_metrics` has it: a view one can insert into.",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ValidationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run_uuid",
                    models.UUIDField(
                        db_comment="Identity across databases.",
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        help_text="Identity across databases.",
                        unique=True,
                    ),
                ),
                (
                    "validation_type",
                    models.CharField(
                        choices=[
                            ("theoretical", "Closed forms"),
                            ("performance", "Speed and latency"),
                            ("statistical", "Distributions and calibration"),
                        ],
                        db_comment="theoretical, performance or statistical.",
                        help_text="theoretical, performance or statistical.",
                        max_length=50,
                    ),
                ),
                (
                    "code_version",
                    models.CharField(
                        db_comment="Version of the code that was checked.",
                        help_text="Version of the code that was checked.",
                        max_length=100,
                    ),
                ),
                (
                    "seed",
                    models.BigIntegerField(
                        db_comment="Seed of the random generator.", help_text="Seed of the random generator."
                    ),
                ),
                (
                    "test_parameters",
                    models.JSONField(
                        db_comment="What the checks were started with, an object.",
                        help_text="What the checks were started with, an object.",
                    ),
                ),
                (
                    "results_data",
                    models.JSONField(
                        db_comment="What each check measured, an object.",
                        help_text="What each check measured, an object.",
                    ),
                ),
                (
                    "passed_tests",
                    models.IntegerField(
                        db_comment="Checks that passed.", db_default=0, default=0, help_text="Checks that passed."
                    ),
                ),
                ("total_tests", models.IntegerField(db_comment="Checks that ran.", help_text="Checks that ran.")),
                (
                    "failed_tests",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        db_comment="Names of the checks that failed, every one of them.",
                        db_default=models.Value("{}"),
                        default=list,
                        help_text="Names of the checks that failed, every one of them.",
                        size=None,
                    ),
                ),
                (
                    "overall_score",
                    models.GeneratedField(
                        db_comment="passed_tests / total_tests, 0 to 1.",
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            django.db.models.functions.comparison.Cast("passed_tests", models.FloatField()),
                            "/",
                            django.db.models.functions.comparison.NullIf(
                                django.db.models.functions.comparison.Cast("total_tests", models.FloatField()), 0.0
                            ),
                        ),
                        help_text="passed_tests / total_tests, 0 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "duration_ms",
                    models.FloatField(
                        db_comment="How long the checks took, ms.", help_text="How long the checks took, ms."
                    ),
                ),
                (
                    "duration_seconds",
                    models.GeneratedField(
                        db_comment="How long the checks took, s.",
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("duration_ms"), "/", models.Value(1000.0)
                        ),
                        help_text="How long the checks took, s.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "executed_at",
                    models.DateTimeField(
                        db_comment="When the checks began.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the checks began.",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The run whose telemetry was checked; null where none was.",
                        help_text="The run whose telemetry was checked; null where none was.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="validation_runs",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "db_table": "validation_runs",
                "db_table_comment": "One execution of a set of checks against theory, performance goals or statistics; append-only.",
                "ordering": ["-executed_at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="validationrun",
            index=models.Index(fields=["validation_type"], name="idx_validation_type"),
        ),
        migrations.AddIndex(
            model_name="validationrun",
            index=models.Index(fields=["overall_score"], name="idx_validation_score"),
        ),
        migrations.AddIndex(
            model_name="validationrun",
            index=models.Index(fields=["executed_at"], name="idx_validation_executed"),
        ),
        migrations.AddConstraint(
            model_name="validationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("validation_type__in", ["theoretical", "performance", "statistical"])),
                name="validation_runs_type_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="validationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("code_version", ""), _negated=True), name="validation_runs_code_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="validationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("total_tests__gt", 0)), name="validation_runs_total_ck"
            ),
        ),
        migrations.AddConstraint(
            model_name="validationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("passed_tests__gte", 0), ("passed_tests__lte", models.F("total_tests"))),
                name="validation_runs_passed_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="validationrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration_ms__gte", 0), ("duration_ms__lt", float("inf"))),
                name="validation_runs_duration_ck",
            ),
        ),
        RunSQLFile(
            "validation",
            "0001_metrics",
            state_operations=[
                migrations.CreateModel(
                    name="MetricSeries",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "metric_name",
                            models.CharField(
                                db_comment="What is measured, such as order_parameter.",
                                help_text="What is measured, such as order_parameter.",
                                max_length=100,
                            ),
                        ),
                        (
                            "component",
                            models.CharField(
                                db_comment="What it is measured on, such as kuramoto.",
                                help_text="What it is measured on, such as kuramoto.",
                                max_length=50,
                            ),
                        ),
                        (
                            "metric_unit",
                            models.CharField(
                                db_comment="Unit, UCUM; null where none was given.",
                                help_text="Unit, UCUM; null where none was given.",
                                max_length=20,
                                null=True,
                            ),
                        ),
                        (
                            "tags",
                            models.JSONField(
                                db_comment="What else tells it from other series, an object.",
                                default=dict,
                                help_text="What else tells it from other series, an object.",
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run it belongs to.",
                                db_index=False,
                                help_text="The run it belongs to.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="metric_series",
                                to="core.run",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "metric series",
                        "db_table": "metric_series",
                        "db_table_comment": "A metric of one component of one run, with its unit and tags: what its samples have in common.",
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="MetricSample",
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
                                db_comment="When it was measured, UTC; partition key, monthly.",
                                help_text="When it was measured, UTC; partition key, monthly.",
                            ),
                        ),
                        (
                            "value",
                            models.FloatField(
                                db_comment="The value in the unit of its series, finite.",
                                help_text="The value in the unit of its series, finite.",
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
                                related_name="samples",
                                to="validation.metricseries",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "metric_samples",
                        "db_table_comment": "One value of a series at one time; append-only, partitioned by month of `recorded_at`.",
                    },
                ),
                migrations.AddIndex(
                    model_name="metricseries",
                    index=models.Index(fields=["id"], name="metric_series_id_idx"),
                ),
                migrations.AddIndex(
                    model_name="metricseries",
                    index=models.Index(fields=["metric_name", "component"], name="idx_metrics_name_component"),
                ),
                migrations.AddConstraint(
                    model_name="metricseries",
                    constraint=models.UniqueConstraint(
                        models.F("run"),
                        models.F("metric_name"),
                        models.F("component"),
                        django.db.models.functions.comparison.Coalesce("metric_unit", models.Value("")),
                        django.db.models.functions.text.MD5(
                            django.db.models.functions.comparison.Cast("tags", models.TextField())
                        ),
                        name="metric_series_identity_uq",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="metricseries",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("metric_name", ""), _negated=True), models.Q(("component", ""), _negated=True)
                        ),
                        name="metric_series_names_ck",
                    ),
                ),
                migrations.AddIndex(
                    model_name="metricsample",
                    index=django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["recorded_at"], name="idx_metrics_recorded", pages_per_range=32
                    ),
                ),
            ],
        ),
        RunSQLFile("validation", "0002_system_metrics"),
        RunSQLFile("validation", "0003_validation_runs"),
    ]
