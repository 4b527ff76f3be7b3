"""Models of the constitutional app."""

from constitutional.models.activity import UserActivity
from constitutional.models.monitor import PolicyMonitorState, RunGuardState
from constitutional.models.policies import ConstitutionalPolicy, PolicyVersion
from constitutional.models.violations import Violation, ViolationNote

__all__ = [
    "ConstitutionalPolicy",
    "PolicyMonitorState",
    "PolicyVersion",
    "RunGuardState",
    "UserActivity",
    "Violation",
    "ViolationNote",
]
