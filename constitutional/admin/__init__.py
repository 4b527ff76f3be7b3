"""The admin pages of policies, of the review of violations, and of the guards of runs."""

from constitutional.admin.activity import UserActivityAdmin
from constitutional.admin.guards import RunGuardStateAdmin
from constitutional.admin.policies import PolicyAdmin
from constitutional.admin.violations import ViolationAdmin

__all__ = ["PolicyAdmin", "RunGuardStateAdmin", "UserActivityAdmin", "ViolationAdmin"]
