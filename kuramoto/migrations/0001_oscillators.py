"""Oscillators and synchronization events."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0002_substrate"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SynchronizationState",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_comment="The run.",
                        help_text="The run.",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sync_state",
                        serialize=False,
                        to="core.run",
                    ),
                ),
                (
                    "settings",
                    models.JSONField(
                        db_comment="Thresholds and dwells of the event detector, fixed with the first batch.",
                        help_text="Thresholds and dwells of the event detector, fixed with the first batch.",
                    ),
                ),
                (
                    "detector",
                    models.JSONField(
                        db_comment="State of the event detector.", help_text="State of the event detector."
                    ),
                ),
                (
                    "forecaster",
                    models.JSONField(
                        db_comment="State of the one-step forecaster behind the forecast component of Ha.",
                        help_text="State of the one-step forecaster behind the forecast component of Ha.",
                    ),
                ),
                (
                    "reference_embedding",
                    pgvector.django.vector.VectorField(
                        db_comment="The run's first embedding; drift is measured from it.",
                        dimensions=768,
                        help_text="The run's first embedding; drift is measured from it.",
                        null=True,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_comment="When the last batch came; kept by a trigger.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the last batch came; kept by a trigger.",
                    ),
                ),
            ],
            options={
                "db_table": "synchronization_states",
                "db_table_comment": "What the pipeline remembers of a run between batches: event detector, forecaster, reference embedding.",
            },
        ),
        migrations.CreateModel(
            name="SynchronizationEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event_type",
                    models.CharField(
                        choices=[
                            ("sync_achieved", "Sync Achieved"),
                            ("desync_detected", "Desync Detected"),
                            ("emergency_stop", "Emergency Stop"),
                            ("recovery", "Recovery"),
                        ],
                        db_comment="sync_achieved, desync_detected, emergency_stop or recovery.",
                        help_text="sync_achieved, desync_detected, emergency_stop or recovery.",
                        max_length=50,
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("order_parameter", "Order parameter"),
                            ("hallucination", "Hallucination number"),
                            ("invalid_data", "Invalid data"),
                            ("manual", "Manual"),
                        ],
                        db_comment="What brought it about.",
                        default="order_parameter",
                        help_text="What brought it about.",
                        max_length=20,
                    ),
                ),
                (
                    "sync_level_before",
                    models.FloatField(
                        db_comment="Median r over the dwell before the crossing.",
                        help_text="Median r over the dwell before the crossing.",
                        null=True,
                    ),
                ),
                (
                    "sync_level_after",
                    models.FloatField(
                        db_comment="Median r over the dwell after the crossing.",
                        help_text="Median r over the dwell after the crossing.",
                        null=True,
                    ),
                ),
                (
                    "event_data",
                    models.JSONField(
                        db_comment="Anything else that was known.", help_text="Anything else that was known.", null=True
                    ),
                ),
                (
                    "entered_at",
                    models.DateTimeField(
                        db_comment="First sample across the threshold.",
                        help_text="First sample across the threshold.",
                        null=True,
                    ),
                ),
                (
                    "occurred_at",
                    models.DateTimeField(
                        db_comment="When the dwell was over.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the dwell was over.",
                    ),
                ),
                (
                    "threshold_on",
                    models.FloatField(
                        db_comment="r at or above which the run counts as synchronized.",
                        help_text="r at or above which the run counts as synchronized.",
                        null=True,
                    ),
                ),
                (
                    "threshold_off",
                    models.FloatField(
                        db_comment="r at or below which it no longer does.",
                        help_text="r at or below which it no longer does.",
                        null=True,
                    ),
                ),
                (
                    "dwell_s",
                    models.FloatField(
                        db_comment="How long r had to stay across, s.",
                        help_text="How long r had to stay across, s.",
                        null=True,
                    ),
                ),
                (
                    "n_oscillators",
                    models.IntegerField(
                        db_comment="Number of oscillators N.", help_text="Number of oscillators N.", null=True
                    ),
                ),
                (
                    "coupling_strength",
                    models.FloatField(
                        db_comment="Coupling K when it happened, rad/s.",
                        help_text="Coupling K when it happened, rad/s.",
                        null=True,
                    ),
                ),
                (
                    "reason",
                    models.TextField(
                        blank=True,
                        db_comment="Why; an emergency stop and a recovery have one.",
                        help_text="Why; an emergency stop and a recovery have one.",
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        db_comment="Who stopped or recovered the run by hand.",
                        help_text="Who stopped or recovered the run by hand.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_comment="The run.",
                        help_text="The run.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sync_events",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "db_table": "synchronization_events",
                "db_table_comment": "A lasting change of a run's collective state, found with hysteresis and dwell, or an emergency stop.",
                "ordering": ["-occurred_at", "-id"],
                "indexes": [
                    models.Index(fields=["event_type"], name="idx_sync_events_type"),
                    models.Index(fields=["occurred_at"], name="idx_sync_events_time"),
                    models.Index(fields=["run", "-occurred_at", "-id"], name="sync_events_run_idx"),
                    models.Index(fields=["actor"], name="sync_events_actor_idx"),
                ],
            },
        ),
        RunSQLFile(
            "kuramoto",
            "0001_oscillators",
            state_operations=[
                migrations.CreateModel(
                    name="OscillatorState",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ha",
                            models.FloatField(
                                blank=True,
                                db_comment="Hallucination number Ha, 0 to 10; a lower bound where a component is missing, null where all are.",
                                help_text="Hallucination number Ha, 0 to 10; a lower bound where a component is missing, null where all are.",
                                null=True,
                                verbose_name="Ha",
                            ),
                        ),
                        (
                            "ha_version",
                            models.SmallIntegerField(
                                blank=True,
                                db_comment="Version of the definition of Ha; the weights stand on the run.",
                                help_text="Version of the definition of Ha; the weights stand on the run.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_defect",
                            models.FloatField(
                                blank=True,
                                db_comment="Defect component min(1, rho/rho_ref), 0 to 1; null where missing.",
                                help_text="Defect component min(1, rho/rho_ref), 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_forecast",
                            models.FloatField(
                                blank=True,
                                db_comment="Forecast component min(1, MSE of one step / variance), 0 to 1; null where missing.",
                                help_text="Forecast component min(1, MSE of one step / variance), 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "ha_drift",
                            models.FloatField(
                                blank=True,
                                db_comment="Embedding drift (1 - cosine)/2 from the run's reference, 0 to 1; null where missing.",
                                help_text="Embedding drift (1 - cosine)/2 from the run's reference, 0 to 1; null where missing.",
                                null=True,
                            ),
                        ),
                        (
                            "timestamp",
                            models.DateTimeField(
                                db_comment="When the state was observed, UTC; partition key, monthly.",
                                db_default=django.db.models.functions.datetime.Now(),
                                help_text="When the state was observed, UTC; partition key, monthly.",
                            ),
                        ),
                        (
                            "phases",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(),
                                db_comment="Phase of each oscillator, rad, in (-pi, pi]; as many as the run has oscillators.",
                                help_text="Phase of each oscillator, rad, in (-pi, pi]; as many as the run has oscillators.",
                                size=None,
                            ),
                        ),
                        (
                            "sync_parameter",
                            models.FloatField(
                                db_comment="Order parameter r = |mean of exp(i theta)|, 0 to 1.",
                                help_text="Order parameter r = |mean of exp(i theta)|, 0 to 1.",
                            ),
                        ),
                        (
                            "mean_phase",
                            models.FloatField(
                                db_comment="Mean phase psi, the argument of the mean of exp(i theta), rad.",
                                help_text="Mean phase psi, the argument of the mean of exp(i theta), rad.",
                            ),
                        ),
                        (
                            "phase_coherence",
                            models.GeneratedField(
                                db_comment="r squared, 0 to 1.",
                                db_persist=True,
                                expression=django.db.models.expressions.CombinedExpression(
                                    models.F("sync_parameter"), "*", models.F("sync_parameter")
                                ),
                                help_text="r squared, 0 to 1.",
                                output_field=models.FloatField(),
                            ),
                        ),
                        (
                            "coupling_strength",
                            models.FloatField(
                                db_comment="Coupling K, rad/s; negative is repulsive.",
                                help_text="Coupling K, rad/s; negative is repulsive.",
                                null=True,
                            ),
                        ),
                        (
                            "semantic_embedding",
                            pgvector.django.vector.VectorField(
                                db_comment="Semantic embedding of the state, never the zero vector.",
                                dimensions=768,
                                help_text="Semantic embedding of the state, never the zero vector.",
                                null=True,
                            ),
                        ),
                        (
                            "prediction_horizons",
                            models.JSONField(
                                db_comment="Predicted order parameter by horizon in seconds: 30, 180 and 600.",
                                help_text="Predicted order parameter by horizon in seconds: 30, 180 and 600.",
                                null=True,
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                db_comment="The run that produced the state.",
                                help_text="The run that produced the state.",
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="oscillators",
                                to="core.run",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "oscillator state",
                        "db_table": "kuramoto_oscillators",
                        "db_table_comment": "The phases of all oscillators of a run at one moment, with the order parameter computed from them.",
                        "ordering": ["-timestamp", "-id"],
                        "indexes": [
                            models.Index(fields=["id"], name="kuramoto_oscillators_id_idx"),
                            models.Index(fields=["timestamp"], name="idx_kuramoto_timestamp"),
                            django.contrib.postgres.indexes.BrinIndex(
                                fields=["timestamp"], name="kuramoto_oscillators_ts_brin"
                            ),
                            models.Index(fields=["sync_parameter"], name="idx_kuramoto_sync"),
                        ],
                    },
                ),
            ],
        ),
        RunSQLFile("kuramoto", "0002_events"),
    ]
