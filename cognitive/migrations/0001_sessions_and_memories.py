"""Module sessions, memories and their retrievals."""

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgvector.django.vector
from django.db import migrations, models

from core.db.sql import RunSQLFile


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0002_substrate"),
    ]

    operations = [
        migrations.CreateModel(
            name="MemoryExperience",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "experience_uuid",
                    models.UUIDField(
                        db_comment="Identity across databases.",
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        help_text="Identity across databases.",
                        unique=True,
                    ),
                ),
                (
                    "experience_type",
                    models.CharField(
                        choices=[
                            ("working", "Working"),
                            ("episodic", "Episodic"),
                            ("semantic", "Semantic"),
                            ("procedural", "Procedural"),
                        ],
                        db_comment="working, episodic, semantic or procedural.",
                        help_text="working, episodic, semantic or procedural.",
                        max_length=50,
                    ),
                ),
                (
                    "context_data",
                    models.JSONField(
                        db_comment="What is remembered, an object.", help_text="What is remembered, an object."
                    ),
                ),
                (
                    "arousal",
                    models.FloatField(
                        db_comment="How exciting it was, 0 to 1.",
                        db_default=0.0,
                        default=0.0,
                        help_text="How exciting it was, 0 to 1.",
                    ),
                ),
                (
                    "valence",
                    models.FloatField(
                        db_comment="How good or bad it was, -1 to 1.",
                        db_default=0.0,
                        default=0.0,
                        help_text="How good or bad it was, -1 to 1.",
                    ),
                ),
                (
                    "emotional_weight",
                    models.GeneratedField(
                        db_comment="Emotion as one signed number, arousal times valence, -1 to 1.",
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("arousal"), "*", models.F("valence")
                        ),
                        help_text="Emotion as one signed number, arousal times valence, -1 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "difficulty",
                    models.FloatField(
                        db_comment="How hard it is to remember, 1 to 10.",
                        db_default=5.0,
                        default=5.0,
                        help_text="How hard it is to remember, 1 to 10.",
                    ),
                ),
                (
                    "stability_s",
                    models.FloatField(
                        db_comment="Time after which nine of ten recalls still succeed, s; grows with recalls.",
                        db_default=86400.0,
                        help_text="Time after which nine of ten recalls still succeed, s; grows with recalls.",
                    ),
                ),
                (
                    "consolidation_level",
                    models.GeneratedField(
                        db_comment="How far it has become long-term, S / (S + 30 d), 0 to 1.",
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("stability_s"),
                            "/",
                            django.db.models.expressions.CombinedExpression(
                                models.F("stability_s"), "+", models.Value(2592000.0)
                            ),
                        ),
                        help_text="How far it has become long-term, S / (S + 30 d), 0 to 1.",
                        output_field=models.FloatField(),
                    ),
                ),
                (
                    "embedding",
                    pgvector.django.vector.VectorField(
                        blank=True,
                        db_comment="Semantic embedding, never the zero vector.",
                        dimensions=768,
                        help_text="Semantic embedding, never the zero vector.",
                        null=True,
                    ),
                ),
                (
                    "retrieval_count",
                    models.IntegerField(
                        db_comment="Recalls so far; kept by a trigger on memory_retrievals.",
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="Recalls so far; kept by a trigger on memory_retrievals.",
                    ),
                ),
                (
                    "stored_at",
                    models.DateTimeField(
                        db_comment="When it was stored.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When it was stored.",
                    ),
                ),
                (
                    "last_accessed",
                    models.DateTimeField(
                        db_comment="The latest recall, successful or not; kept by a trigger.",
                        editable=False,
                        help_text="The latest recall, successful or not; kept by a trigger.",
                        null=True,
                    ),
                ),
                (
                    "last_recalled_at",
                    models.DateTimeField(
                        db_comment="The latest successful recall, from which it fades; kept by a trigger.",
                        editable=False,
                        help_text="The latest successful recall, from which it fades; kept by a trigger.",
                        null=True,
                    ),
                ),
            ],
            options={
                "db_table": "memory_experiences",
                "db_table_comment": "Something remembered, with how firmly: it fades with time and gains by every successful recall.",
                "ordering": ["-stored_at", "-id"],
                "indexes": [
                    models.Index(fields=["experience_type"], name="idx_memory_type"),
                    models.Index(fields=["consolidation_level"], name="idx_memory_consolidation"),
                    models.Index(fields=["stored_at"], name="idx_memory_stored"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("experience_type__in", ["working", "episodic", "semantic", "procedural"])),
                        name="memory_experiences_type_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("arousal__range", (0, 1))), name="memory_experiences_arousal_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valence__range", (-1, 1))), name="memory_experiences_valence_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("difficulty__range", (1, 10))), name="memory_experiences_difficulty_ck"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stability_s__range", (1.0, 3153600000.0))),
                        name="memory_experiences_stability_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("last_accessed", None), ("retrieval_count", 0)),
                            models.Q(("last_accessed__isnull", False), ("retrieval_count__gt", 0)),
                            _connector="OR",
                        ),
                        name="memory_experiences_count_ck",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CognitiveSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "session_uuid",
                    models.UUIDField(
                        db_comment="Identity across databases.",
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        help_text="Identity across databases.",
                        unique=True,
                    ),
                ),
                (
                    "module_type",
                    models.CharField(
                        choices=[
                            ("constitution", "Constitution"),
                            ("symbolic_ai", "Symbolic AI"),
                            ("memory", "Memory"),
                            ("reflection", "Reflection"),
                            ("freedom", "Freedom"),
                        ],
                        db_comment="constitution, symbolic_ai, memory, reflection or freedom.",
                        help_text="constitution, symbolic_ai, memory, reflection or freedom.",
                        max_length=50,
                    ),
                ),
                (
                    "worker",
                    models.CharField(
                        blank=True,
                        db_comment="Process the module runs in; a module has one open session a worker.",
                        db_default="",
                        default="",
                        help_text="Process the module runs in; a module has one open session a worker.",
                        max_length=100,
                    ),
                ),
                (
                    "session_data",
                    models.JSONField(
                        db_comment="What the session works on, an object.",
                        help_text="What the session works on, an object.",
                    ),
                ),
                (
                    "performance_metrics",
                    models.JSONField(
                        blank=True,
                        db_comment="Object with any of calls, errors (counts), p50_ms, p95_ms (latency) and phase_source, and more.",
                        help_text="Object with any of calls, errors (counts), p50_ms, p95_ms (latency) and phase_source, and more.",
                        null=True,
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        db_comment="When it began.",
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When it began.",
                    ),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True,
                        db_comment="When it ended; null while it goes on.",
                        help_text="When it ended; null while it goes on.",
                        null=True,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_comment="The run it belongs to; null where it serves none.",
                        help_text="The run it belongs to; null where it serves none.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cognitive_sessions",
                        to="core.run",
                    ),
                ),
            ],
            options={
                "db_table": "cognitive_sessions",
                "db_table_comment": "A stretch of work of one cognitive module, a watched process, in one worker; what has ended stays as it is.",
                "ordering": ["-started_at", "-id"],
                "indexes": [
                    models.Index(fields=["module_type"], name="idx_cognitive_module_type"),
                    models.Index(fields=["started_at"], name="idx_cognitive_started"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("module_type", "worker"),
                        name="cognitive_sessions_open_uq",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("module_type__in", ["constitution", "symbolic_ai", "memory", "reflection", "freedom"])
                        ),
                        name="cognitive_sessions_module_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None), ("ended_at__gt", models.F("started_at")), _connector="OR"
                        ),
                        name="cognitive_sessions_times_ck",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MemoryRetrieval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "retrieved_at",
                    models.DateTimeField(
                        db_comment="When.", db_default=django.db.models.functions.datetime.Now(), help_text="When."
                    ),
                ),
                (
                    "success",
                    models.BooleanField(db_comment="Whether it was recalled.", help_text="Whether it was recalled."),
                ),
                (
                    "latency_ms",
                    models.FloatField(
                        db_comment="How long it took, ms; null where nobody measured.",
                        help_text="How long it took, ms; null where nobody measured.",
                        null=True,
                    ),
                ),
                (
                    "retrievability_before",
                    models.FloatField(
                        db_comment="Probability of recall just before, 0 to 1.",
                        help_text="Probability of recall just before, 0 to 1.",
                    ),
                ),
                (
                    "experience",
                    models.ForeignKey(
                        db_comment="The memory.",
                        db_index=False,
                        help_text="The memory.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="retrievals",
                        to="cognitive.memoryexperience",
                    ),
                ),
            ],
            options={
                "db_table": "memory_retrievals",
                "db_table_comment": "One attempt to recall a memory; append-only, written by `recall_experience`.",
                "ordering": ["-retrieved_at", "-id"],
                "indexes": [models.Index(fields=["experience", "-retrieved_at"], name="memory_retrievals_memory_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_ms", None),
                            models.Q(("latency_ms__gte", 0), ("latency_ms__lt", float("inf"))),
                            _connector="OR",
                        ),
                        name="memory_retrievals_latency_ck",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retrievability_before__range", (0, 1))), name="memory_retrievals_before_ck"
                    ),
                ],
            },
        ),
        RunSQLFile("cognitive", "0001_sessions"),
        RunSQLFile("cognitive", "0002_memories"),
    ]
