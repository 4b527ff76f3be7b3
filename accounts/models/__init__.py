"""Models of the accounts app."""

from accounts.models.attempts import LoginAttempts
from accounts.models.factors import RecoveryCode, SecondFactor
from accounts.models.keys import ApiKey, ApiKeyUse
from accounts.models.limits import RateLimit
from accounts.models.partners import PartnerConfig
from accounts.models.sessions import UserSession
from accounts.models.users import User

__all__ = [
    "ApiKey",
    "ApiKeyUse",
    "LoginAttempts",
    "PartnerConfig",
    "RateLimit",
    "RecoveryCode",
    "SecondFactor",
    "User",
    "UserSession",
]
