"""Models of the cognitive app."""

from cognitive.models.complexity import ComplexityRecord, ComplexitySnapshot, ComplexitySummary, DailyComplexity
from cognitive.models.experience import CognitiveSession, MemoryExperience, MemoryRetrieval, MemoryStrength

__all__ = [
    "CognitiveSession",
    "ComplexityRecord",
    "ComplexitySnapshot",
    "ComplexitySummary",
    "DailyComplexity",
    "MemoryExperience",
    "MemoryRetrieval",
    "MemoryStrength",
]
