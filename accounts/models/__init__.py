"""Models of the accounts app."""

from accounts.models.keys import ApiKey, ApiKeyUse
from accounts.models.limits import RateLimit
from accounts.models.partners import PartnerConfig
from accounts.models.users import User, UserSession

__all__ = ["ApiKey", "ApiKeyUse", "PartnerConfig", "RateLimit", "User", "UserSession"]
