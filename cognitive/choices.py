"""Enumerated values of the cognitive app."""

from django.db import models


class ModuleType(models.TextChoices):
    """Processes that are watched as cognitive modules."""

    CONSTITUTION = "constitution", "Constitution"
    SYMBOLIC_AI = "symbolic_ai", "Symbolic AI"
    MEMORY = "memory", "Memory"
    REFLECTION = "reflection", "Reflection"
    FREEDOM = "freedom", "Freedom"


class ExperienceType(models.TextChoices):
    """Kinds of memory, by how long they are meant to last."""

    WORKING = "working", "Working"
    EPISODIC = "episodic", "Episodic"
    SEMANTIC = "semantic", "Semantic"
    PROCEDURAL = "procedural", "Procedural"


class AnalysisStatus(models.TextChoices):
    """How far an analysis has come."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
