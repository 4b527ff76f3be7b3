"""Signal complexity of runs and its summaries."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("cognitive", "0001_sessions_and_memories"),
        ("core", "0005_summaries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ComplexitySummary",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        db_comment="The analysis.", help_text="The analysis.", primary_key=True, serialize=False
                    ),
                ),
                ("run_name", models.CharField(db_comment="Its name.", help_text="Its name.", max_length=200)),
                (
                    "status",
                    models.CharField(
                        db_comment="running, finished or failed.",
                        help_text="running, finished or failed.",
                        max_length=20,
                    ),
                ),
                (
                    "covered_until",
                    models.DateTimeField(
                        db_comment="End of the last window.", help_text="End of the last window.", null=True
                    ),
                ),
                ("snapshots", models.IntegerField(db_comment="Number of snapshots.", help_text="Number of snapshots.")),
                ("r_mean", models.FloatField(db_comment="Mean of r.", help_text="Mean of r.", null=True)),
                (
                    "metastability_shanahan",
                    models.FloatField(db_comment="Mean metastability.", help_text="Mean metastability.", null=True),
                ),
                (
                    "chimera",
                    models.FloatField(db_comment="Mean chimera index.", help_text="Mean chimera index.", null=True),
                ),
                (
                    "lzc_norm",
                    models.FloatField(
                        db_comment="Mean normalised Lempel-Ziv complexity.",
                        help_text="Mean normalised Lempel-Ziv complexity.",
                        null=True,
                    ),
                ),
                (
                    "total_correlation",
                    models.FloatField(
                        db_comment="Mean total correlation, nats.", help_text="Mean total correlation, nats.", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "complexity summary",
                "verbose_name_plural": "complexity summaries",
                "db_table": "consciousness_metrics_view",
                "db_table_comment": "A run's latest analysis with the means of its snapshots: a view.",
                "ordering": ["-id"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="DailyComplexity",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        db_comment="Run times 100,000 plus the days since 1970.",
                        help_text="Run times 100,000 plus the days since 1970.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField(db_comment="Day, UTC.", help_text="Day, UTC.")),
                ("snapshots", models.IntegerField(db_comment="Number of snapshots.", help_text="Number of snapshots.")),
                ("r_mean", models.FloatField(db_comment="Mean of r.", help_text="Mean of r.")),
                (
                    "metastability_shanahan",
                    models.FloatField(db_comment="Mean metastability.", help_text="Mean metastability."),
                ),
                (
                    "chimera",
                    models.FloatField(db_comment="Mean chimera index.", help_text="Mean chimera index.", null=True),
                ),
                (
                    "lzc_norm",
                    models.FloatField(
                        db_comment="Mean normalised Lempel-Ziv complexity.",
                        help_text="Mean normalised Lempel-Ziv complexity.",
                    ),
                ),
                (
                    "total_correlation",
                    models.FloatField(
                        db_comment="Mean total correlation, nats.", help_text="Mean total correlation, nats.", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "daily complexity",
                "verbose_name_plural": "daily complexities",
                "db_table": "consciousness_daily_summary",
                "db_table_comment": "Complexity of a run on one day: a materialized summary that the worker refreshes; its age stands beside it.",
                "ordering": ["-day", "run_id"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ComplexityRecord",
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
                    "window_s",
                    models.FloatField(
                        db_comment="Length of the window behind each snapshot, s.",
                        help_text="Length of the window behind each snapshot, s.",
                    ),
                ),
                (
                    "step_s",
                    models.FloatField(
                        db_comment="Time from one snapshot to the next, s.",
                        help_text="Time from one snapshot to the next, s.",
                    ),
                ),
                (
                    "communities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        db_comment="Label of each oscillator's community, for the chimera index.",
                        help_text="Label of each oscillator's community, for the chimera index.",
                        size=None,
                    ),
                ),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        db_comment="Oscillators whose signals Lempel-Ziv and total correlation are taken from.",
                        help_text="Oscillators whose signals Lempel-Ziv and total correlation are taken from.",
                        size=None,
                    ),
                ),
                (
                    "seed",
                    models.BigIntegerField(db_comment="Seed of the surrogates.", help_text="Seed of the surrogates."),
                ),
                (
                    "method_versions",
                    models.JSONField(
                        db_comment="Version of each measure, an object.",
                        help_text="Version of each measure, an object.",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("finished", "Finished"), ("failed", "Failed")],
                        db_comment="running, finished or failed.",
                        default="running",
                        help_text="running, finished or failed.",
                        max_length=20,
                    ),
                ),
                (
                    "message",
                    models.TextField(
                        blank=True,
                        db_comment="Why it failed; empty otherwise.",
                        default="",
                        help_text="Why it failed; empty otherwise.",
                    ),
                ),
                (
                    "covered_until",
                    models.DateTimeField(
                        db_comment="End of the last window that was looked at.",
                        help_text="End of the last window that was looked at.",
                        null=True,
                    ),
                ),
                (
                    "n_snapshots",
                    models.IntegerField(db_comment="Snapshots made.", default=0, help_text="Snapshots made."),
                ),
                (
                    "finished_at",
                    models.DateTimeField(
                        db_comment="When it was finished or failed.",
                        help_text="When it was finished or failed.",
                        null=True,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_comment="Who asked for it; null for the worker.",
                        help_text="Who asked for it; null for the worker.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The run that was analysed.",
                        help_text="The run that was analysed.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="complexity_records",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "complexity record",
                "db_table": "consciousness_records",
                "db_table_comment": "One analysis of a run's signal complexity: what was measured, how, how far it has come, and its summary.",
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="complexityrecord",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["method_versions"], name="consciousness_versions_gin"
            ),
        ),
        migrations.AddConstraint(
            model_name="complexityrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")), fields=("run",), name="consciousness_records_running_uq"
            ),
        ),
        migrations.AddConstraint(
            model_name="complexityrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["running", "finished", "failed"])),
                name="consciousness_records_status_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="complexityrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("step_s__gt", 0), ("window_s__gte", models.F("step_s")), ("window_s__lt", float("inf"))
                ),
                name="consciousness_records_window_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="complexityrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("status", "running")),
                    models.Q(models.Q(("status", "running"), _negated=True), ("finished_at__isnull", False)),
                    _connector="OR",
                ),
                name="consciousness_records_finished_ck",
            ),
        ),
        migrations.AddConstraint(
            model_name="complexityrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "failed"), models.Q(("message", ""), _negated=True)),
                    models.Q(models.Q(("status", "failed"), _negated=True), ("message", "")),
                    _connector="OR",
                ),
                name="consciousness_records_message_ck",
            ),
        ),
        RunSQLFile(
            "cognitive",
            "0003_snapshots",
            state_operations=[
                migrations.CreateModel(
                    name="ComplexitySnapshot",
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
                                db_comment="End of the window, UTC; partition key, monthly.",
                                help_text="End of the window, UTC; partition key, monthly.",
                            ),
                        ),
                        (
                            "r_mean",
                            models.FloatField(
                                db_comment="Mean of the order parameter r, 0 to 1.",
                                help_text="Mean of the order parameter r, 0 to 1.",
                            ),
                        ),
                        (
                            "r_std",
                            models.FloatField(
                                db_comment="Standard deviation of r.", help_text="Standard deviation of r."
                            ),
                        ),
                        (
                            "metastability_shanahan",
                            models.FloatField(
                                db_comment="Variance of r over that of a uniform r, 1/12.",
                                help_text="Variance of r over that of a uniform r, 1/12.",
                            ),
                        ),
                        (
                            "chimera",
                            models.FloatField(
                                db_comment="Variance of r across communities over 5/36; null for one community.",
                                help_text="Variance of r across communities over 5/36; null for one community.",
                                null=True,
                            ),
                        ),
                        (
                            "lzc_norm",
                            models.FloatField(
                                db_comment="Lempel-Ziv complexity over that of shuffled surrogates: 1 for noise, 0 for flat.",
                                help_text="Lempel-Ziv complexity over that of shuffled surrogates: 1 for noise, 0 for flat.",
                            ),
                        ),
                        (
                            "total_correlation",
                            models.FloatField(
                                db_comment="Total correlation, nats, as if Gaussian; null where the channels do not allow it.",
                                help_text="Total correlation, nats, as if Gaussian; null where the channels do not allow it.",
                                null=True,
                            ),
                        ),
                        (
                            "n_samples",
                            models.IntegerField(db_comment="Rows in the window.", help_text="Rows in the window."),
                        ),
                        (
                            "record",
                            models.ForeignKey(
                                db_comment="The analysis it belongs to.",
                                db_index=False,
                                help_text="The analysis it belongs to.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="snapshots",
                                to="cognitive.complexityrecord",
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run.",
                                db_index=False,
                                help_text="The run.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="core.run",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "complexity snapshot",
                        "db_table": "consciousness_snapshots",
                        "db_table_comment": "Complexity of one window of a run.",
                        "ordering": ["-ts", "-id"],
                    },
                ),
                migrations.AddIndex(
                    model_name="complexitysnapshot",
                    index=models.Index(fields=["id"], name="consciousness_snapshots_id_idx"),
                ),
                migrations.AddIndex(
                    model_name="complexitysnapshot",
                    index=models.Index(fields=["record", "ts"], name="consciousness_snapshots_rec_ix"),
                ),
                migrations.AddIndex(
                    model_name="complexitysnapshot",
                    index=django.contrib.postgres.indexes.BrinIndex(fields=["ts"], name="consciousness_snapshots_brin"),
                ),
            ],
        ),
        RunSQLFile("cognitive", "0004_summaries"),
    ]
