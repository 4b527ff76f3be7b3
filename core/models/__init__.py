"""Models of the core app."""

from core.models.base import HallucinationColumns, RecordModel, TelemetryModel, TimestampedModel
from core.models.config import SchemaMigration, SystemConfig, SystemConfigChange
from core.models.fields import FieldState
from core.models.networks import RealityEdge, RealityNetwork, RealityNode
from core.models.runs import Run

__all__ = [
    "FieldState",
    "HallucinationColumns",
    "RealityEdge",
    "RealityNetwork",
    "RealityNode",
    "RecordModel",
    "Run",
    "SchemaMigration",
    "SystemConfig",
    "SystemConfigChange",
    "TelemetryModel",
    "TimestampedModel",
]
