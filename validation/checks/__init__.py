"""What a validation run checks: theory by closed forms, statistics by their null laws, performance by its budgets."""

from validation.checks import performance, statistical, theoretical
from validation.checks.base import CHECKS, Check, CheckResult, run_checks

__all__ = ["CHECKS", "Check", "CheckResult", "performance", "run_checks", "statistical", "theoretical"]
