-- An answer is for whoever asked; only the system, which removes what has expired, sees more.
SELECT nfcs_core.protect_rows_v1('nfcs_core.idempotency_keys', own, own, 'false', own)
FROM (VALUES ('(SELECT user_mgmt.actor_v1()) IN (0, user_id)')) AS predicate (own);
