"""Every write of the accounts app."""

from accounts.services.keys import change_partner_status, create_api_key, hash_secret, revoke_api_key

__all__ = ["change_partner_status", "create_api_key", "hash_secret", "revoke_api_key"]
