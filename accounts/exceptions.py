"""Errors of signing in, and what the constraints of the accounts tables say to people."""

from __future__ import annotations

import math

from core.exceptions import DomainError, register_constraints


class SignInRefused(DomainError):
    """Name or password is wrong, or the user is disabled."""

    code = "sign_in_refused"


class CodeNeeded(DomainError):
    """A one-time code of the second factor is needed."""

    code = "code_required"


class CodeRefused(DomainError):
    """The one-time code is wrong, or it was used before."""

    code = "code_refused"


class FactorNeeded(DomainError):
    """This role needs a second factor, and you have none yet: sign in to the admin and set it up there."""

    code = "second_factor_required"


class TokenRefused(DomainError):
    """The token is not valid, or its session has ended."""

    code = "invalid_token"


class TokenReused(TokenRefused):
    """The refresh token was used before, so somebody has a copy of it: the session has ended. Sign in again."""

    code = "refresh_reused"


class TooManyAttempts(DomainError):
    """Too many attempts to sign in have failed."""

    code = "too_many_attempts"

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        minutes = math.ceil(self.retry_after_s / 60)
        super().__init__(f"Too many attempts to sign in have failed. Try again in {minutes} min.")


register_constraints(
    {
        "users_username_lower_uq": ("username", "The name is taken, in this or another case."),
        "users_username_key": ("username", "The name is taken."),
        "users_email_key": ("email", "The address is taken."),
        "users_email_lower_uq": ("email", "The address is taken, in this or another case."),
        "users_role_ck": ("role", "admin, operator, user or readonly is needed."),
        "users_password_hash_ck": ("password", "A hash is needed, never the password itself."),
        "users_last_admin": ("role", "This is the last active administrator; make another one first."),
        "user_sessions_generation_ck": ("generation", "It counts from 0."),
        "user_sessions_revoked_ck": ("revoked_reason", "A session that was ended has a reason, and no other has."),
        "user_sessions_identity_fixed": ("user", "User and identity of a session are fixed."),
        "user_sessions_revoked_final": ("revoked_at", "A session that was ended stays so."),
        "recovery_codes_hash_uq": ("code_hash", "The code is there already."),
        "second_factors_user_id_key": ("user", "The user has a second factor already."),
        "user_sessions_expires_ck": ("expires_at", "A session does not end before it begins."),
        "api_keys_rate_limit_ck": ("rate_limit_per_min", "1 to 1000000 are possible."),
        "api_keys_burst_ck": ("burst", "1 to 1000000 are possible."),
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
