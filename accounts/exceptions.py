"""What the constraints of the accounts tables say to people."""

from core.exceptions import register_constraints

register_constraints(
    {
        "users_username_lower_uq": ("username", "The name is taken, in this or another case."),
        "users_email_lower_uq": ("email", "The address is taken, in this or another case."),
        "users_role_ck": ("role", "admin, operator, user or readonly is needed."),
        "users_password_hash_ck": ("password", "A hash is needed, never the password itself."),
        "user_sessions_expires_ck": ("expires_at", "A session does not end before it begins."),
        "api_keys_rate_limit_ck": ("rate_limit_per_min", "At least 1 is needed."),
        "api_keys_burst_ck": ("burst", "At least 1 is needed."),
        "api_keys_expires_ck": ("expires_at", "A key does not end before it begins."),
        "api_keys_prefix_ck": ("prefix", "Eight letters or digits are needed."),
        "api_keys_secret_hash_ck": ("secret_hash", "32 bytes are needed."),
        "api_keys_scopes_ck": ("scopes", "A scope is not empty."),
        "api_keys_scopes_known": ("scopes", "A scope is not a permission that exists."),
        "api_keys_networks_ck": ("allowed_networks", "Networks such as 192.0.2.0/24 are needed."),
        "api_keys_identity_fixed": ("owner", "Owner, partner and secret of a key are fixed; it is rotated."),
        "api_keys_partner_scopes": ("scopes", "A scope is not allowed to the partner."),
        "api_keys_previous_ck": ("previous_secret_hash", "A hash of 32 bytes, its end and the rotation go together."),
        "api_keys_grace_ck": ("previous_until", "A secret that was replaced works for a day at most."),
        "api_key_uses_uq": ("outcome", "The use is there already."),
        "api_key_uses_outcome_ck": ("outcome", "used, or why the key was refused, is needed."),
        "api_keys_revoked_final": ("revoked_at", "A revoked key stays revoked."),
        "partner_configs_partner_uq": ("partner", "The partner is there already."),
        "partner_configs_status_ck": ("status", "draft, active, suspended or closed is needed."),
        "partner_configs_status_order": ("status", "The partner cannot go from its status to this one."),
        "partner_configs_auth_kind_ck": ("auth_kind", "none, bearer, hmac or mtls is needed."),
        "partner_configs_endpoint_ck": ("endpoint", "An https:// address is needed."),
        "partner_configs_retention_ck": ("retention_days", "At least 1 day is needed."),
        "partner_configs_secret_ref_ck": ("secret_ref", "The name of the secret is needed for this kind of proof."),
        "partner_configs_refs_ck": ("secret_ref", "The name of a secret: a-z, 0-9, dot, dash, underscore."),
        "partner_configs_scopes_known": ("allowed_scopes", "A scope is not a permission that exists."),
    }
)
