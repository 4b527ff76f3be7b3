"""Every write of the accounts app."""

from accounts.services.key_use import hash_secret
from accounts.services.keys import change_api_key, create_api_key, revoke_api_key, rotate_api_key
from accounts.services.partners import change_partner, change_partner_status, create_partner, delete_partner

__all__ = [
    "change_api_key",
    "change_partner",
    "change_partner_status",
    "create_api_key",
    "create_partner",
    "delete_partner",
    "hash_secret",
    "revoke_api_key",
    "rotate_api_key",
]
