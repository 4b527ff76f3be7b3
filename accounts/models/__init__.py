"""Models of the accounts app."""

from accounts.models.keys import ApiKey
from accounts.models.partners import PartnerConfig
from accounts.models.users import User, UserSession

__all__ = ["ApiKey", "PartnerConfig", "User", "UserSession"]
