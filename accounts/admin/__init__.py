"""Users, keys and partners in the admin."""

from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.partners import PartnerConfigAdmin
from accounts.admin.users import UserAdmin

__all__ = ["ApiKeyAdmin", "PartnerConfigAdmin", "UserAdmin"]
