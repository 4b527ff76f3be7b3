"""The cognitive tables in the admin."""

from cognitive.admin.complexity import ComplexityRecordAdmin, ComplexitySummaryAdmin, DailyComplexityAdmin
from cognitive.admin.experience import CognitiveSessionAdmin, MemoryExperienceAdmin

__all__ = [
    "CognitiveSessionAdmin",
    "ComplexityRecordAdmin",
    "ComplexitySummaryAdmin",
    "DailyComplexityAdmin",
    "MemoryExperienceAdmin",
]
