"""Models of the core app."""

from core.models.audit import AuditEntry
from core.models.audit_chain import AuditCheckpoint, AuditLane, AuditLink
from core.models.base import HallucinationColumns, RecordModel, TelemetryModel, TimestampedModel
from core.models.config import SchemaMigration, SystemConfig, SystemConfigChange
from core.models.fields import FieldState
from core.models.idempotency import IdempotencyKey
from core.models.networks import RealityEdge, RealityNetwork, RealityNode
from core.models.neurons import Entanglement, NeuronEvent, QuantumNeuron, StateTransition
from core.models.runs import Run, RunShare
from core.models.secrets import NamedSecret
from core.models.summaries import SummaryRefresh

__all__ = [
    "AuditCheckpoint",
    "AuditEntry",
    "AuditLane",
    "AuditLink",
    "Entanglement",
    "FieldState",
    "HallucinationColumns",
    "IdempotencyKey",
    "NamedSecret",
    "NeuronEvent",
    "QuantumNeuron",
    "RealityEdge",
    "RealityNetwork",
    "RealityNode",
    "RecordModel",
    "Run",
    "RunShare",
    "SchemaMigration",
    "StateTransition",
    "SummaryRefresh",
    "SystemConfig",
    "SystemConfigChange",
    "TelemetryModel",
    "TimestampedModel",
]
