"""Module sessions, memories and their retrievals."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Cast, Now
from pgvector.django import HalfVectorField, HnswIndex, VectorField

from cognitive.choices import ExperienceType, ModuleType
from cognitive.constants import INITIAL_DIFFICULTY
from cognitive.forgetting import MAX_STABILITY_S, MIN_STABILITY_S, REFERENCE_STABILITY_S, retrievability
from cognitive.querysets import MemoryQuerySet, SessionQuerySet
from core.models.base import RecordModel
from core.vectors import EF_CONSTRUCTION, M
from kuramoto.constants import EMBEDDING_DIMENSIONS


class CognitiveSession(RecordModel):
    """A stretch of work of one cognitive module, a watched process, in one worker; what has ended stays as it is.

    Opened, measured and closed by the module's process.
    """

    session_uuid = models.UUIDField(
        unique=True, db_default=RandomUUID(), editable=False, help_text="Identity across databases."
    )
    module_type = models.CharField(
        max_length=50, choices=ModuleType, help_text="constitution, symbolic_ai, memory, reflection or freedom."
    )
    worker = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Process the module runs in; a module has one open session a worker.",
    )
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cognitive_sessions",
        help_text="The run it belongs to; null where it serves none.",
    )
    session_data = models.JSONField(help_text="What the session works on, an object.")
    performance_metrics = models.JSONField(
        null=True,
        blank=True,
        help_text="Object with any of calls, errors (counts), p50_ms, p95_ms (latency) and phase_source, and more.",
    )
    started_at = models.DateTimeField(db_default=Now(), help_text="When it began.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended; null while it goes on.")

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "cognitive_sessions"
        ordering = ["-started_at", "-id"]
        indexes = [
            # The sessions of one module.
            models.Index(fields=["module_type"], name="idx_cognitive_module_type"),
            # The newest sessions, page by page.
            models.Index(fields=["started_at"], name="idx_cognitive_started"),
        ]
        constraints = [
            # "Is the module at work in this worker?"
            models.UniqueConstraint(
                fields=["module_type", "worker"], condition=Q(ended_at=None), name="cognitive_sessions_open_uq"
            ),
            models.CheckConstraint(condition=Q(module_type__in=ModuleType.values), name="cognitive_sessions_module_ck"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")), name="cognitive_sessions_times_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.module_type} since {self.started_at:%Y-%m-%d %H:%M:%S}"


class MemoryExperience(RecordModel):
    """Something remembered, with how firmly: it fades with time and gains by every successful recall.

    Stored by programs; recalls change it, through a trigger on memory_retrievals.
    """

    experience_uuid = models.UUIDField(
        unique=True, db_default=RandomUUID(), editable=False, help_text="Identity across databases."
    )
    experience_type = models.CharField(
        max_length=50, choices=ExperienceType, help_text="working, episodic, semantic or procedural."
    )
    context_data = models.JSONField(help_text="What is remembered, an object.")
    arousal = models.FloatField(default=0.0, db_default=0.0, help_text="How exciting it was, 0 to 1.")
    valence = models.FloatField(default=0.0, db_default=0.0, help_text="How good or bad it was, -1 to 1.")
    emotional_weight = models.GeneratedField(
        expression=F("arousal") * F("valence"),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Emotion as one signed number, arousal times valence, -1 to 1.",
    )
    difficulty = models.FloatField(
        default=INITIAL_DIFFICULTY, db_default=INITIAL_DIFFICULTY, help_text="How hard it is to remember, 1 to 10."
    )
    stability_s = models.FloatField(
        db_default=86_400.0, help_text="Time after which nine of ten recalls still succeed, s; grows with recalls."
    )
    consolidation_level = models.GeneratedField(
        expression=F("stability_s") / (F("stability_s") + REFERENCE_STABILITY_S),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="How far it has become long-term, S / (S + 30 d), 0 to 1.",
    )
    embedding = VectorField(
        dimensions=EMBEDDING_DIMENSIONS,
        null=True,
        blank=True,
        help_text="Semantic embedding, never the zero vector.",
    )
    retrieval_count = models.IntegerField(
        default=0, db_default=0, editable=False, help_text="Recalls so far; kept by a trigger on memory_retrievals."
    )
    stored_at = models.DateTimeField(db_default=Now(), help_text="When it was stored.")
    last_accessed = models.DateTimeField(
        null=True, editable=False, help_text="The latest recall, successful or not; kept by a trigger."
    )
    last_recalled_at = models.DateTimeField(
        null=True, editable=False, help_text="The latest successful recall, from which it fades; kept by a trigger."
    )

    objects = MemoryQuerySet.as_manager()

    class Meta:
        db_table = "memory_experiences"
        ordering = ["-stored_at", "-id"]
        indexes = [
            # The memories of one type.
            models.Index(fields=["experience_type"], name="idx_memory_type"),
            # "What has become long-term?"
            models.Index(fields=["consolidation_level"], name="idx_memory_consolidation"),
            # The newest memories, page by page.
            models.Index(fields=["stored_at"], name="idx_memory_stored"),
            # "Which memories are like this one?"
            HnswIndex(
                OpClass(
                    Cast(
                        Func("embedding", function="l2_normalize"),
                        HalfVectorField(dimensions=EMBEDDING_DIMENSIONS),
                    ),
                    name="halfvec_cosine_ops",
                ),
                name="memory_experiences_hnsw",
                m=M,
                ef_construction=EF_CONSTRUCTION,
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(experience_type__in=ExperienceType.values), name="memory_experiences_type_ck"
            ),
            models.CheckConstraint(condition=Q(arousal__range=(0, 1)), name="memory_experiences_arousal_ck"),
            models.CheckConstraint(condition=Q(valence__range=(-1, 1)), name="memory_experiences_valence_ck"),
            models.CheckConstraint(condition=Q(difficulty__range=(1, 10)), name="memory_experiences_difficulty_ck"),
            models.CheckConstraint(
                condition=Q(stability_s__range=(MIN_STABILITY_S, MAX_STABILITY_S)),
                name="memory_experiences_stability_ck",
            ),
            models.CheckConstraint(
                condition=Q(retrieval_count=0, last_accessed=None)
                | Q(retrieval_count__gt=0, last_accessed__isnull=False),
                name="memory_experiences_count_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experience_type} memory {self.pk}"

    def retrievability_at(self, now: datetime) -> float:
        """The probability that it can be recalled at `now`, 0 to 1."""
        elapsed = now - (self.last_recalled_at or self.stored_at)
        return float(retrievability(elapsed.total_seconds(), self.stability_s))


class MemoryRetrieval(RecordModel):
    """One attempt to recall a memory; append-only, written by `recall_experience`."""

    append_only = True

    experience = models.ForeignKey(
        MemoryExperience, on_delete=models.PROTECT, related_name="retrievals", db_index=False, help_text="The memory."
    )
    retrieved_at = models.DateTimeField(db_default=Now(), help_text="When.")
    success = models.BooleanField(help_text="Whether it was recalled.")
    latency_ms = models.FloatField(null=True, help_text="How long it took, ms; null where nobody measured.")
    retrievability_before = models.FloatField(help_text="Probability of recall just before, 0 to 1.")

    class Meta:
        db_table = "memory_retrievals"
        ordering = ["-retrieved_at", "-id"]
        indexes = [
            # The recalls of one memory, newest first.
            models.Index(fields=["experience", "-retrieved_at"], name="memory_retrievals_memory_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(latency_ms=None) | Q(latency_ms__gte=0, latency_ms__lt=float("inf")),
                name="memory_retrievals_latency_ck",
            ),
            models.CheckConstraint(
                condition=Q(retrievability_before__range=(0, 1)), name="memory_retrievals_before_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"recall of memory {self.experience_id} at {self.retrieved_at:%Y-%m-%d %H:%M:%S}"


class MemoryStrength(RecordModel):
    """How well one memory could be recalled when it was last assessed, and when it will count as forgotten.

    Written by the worker from the forgetting curve, and by every recall; the API's `retrievability` is of now.
    """

    memory = models.OneToOneField(
        MemoryExperience,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="assessment",
        help_text="The memory.",
    )
    strength = models.FloatField(help_text="Probability of recall R when it was assessed, 0 to 1.")
    consolidation_level = models.FloatField(help_text="How far it had become long-term, S / (S + 30 d), 0 to 1.")
    forgotten_at = models.DateTimeField(
        help_text="When R falls to 1/2 unless it is recalled before: 12.79 S after the latest successful recall."
    )
    assessed_at = models.DateTimeField(help_text="When it was assessed.")

    class Meta:
        db_table = "memory_strengths"
        ordering = ["forgotten_at", "memory_id"]
        verbose_name = "memory strength"
        indexes = [
            # "What has been forgotten, and what will be next?"
            models.Index(fields=["forgotten_at"], name="memory_strengths_forgotten_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(strength__range=(0, 1)), name="memory_strengths_strength_ck"),
            models.CheckConstraint(
                condition=Q(consolidation_level__range=(0, 1)), name="memory_strengths_consolidation_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"strength of memory {self.memory_id} at {self.assessed_at:%Y-%m-%d %H:%M:%S}"
