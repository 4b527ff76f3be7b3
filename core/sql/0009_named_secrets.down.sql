ALTER TABLE nfcs_core.named_secrets DROP CONSTRAINT named_secrets_value_ck;
DROP FUNCTION nfcs_core.sealing_key_v1(bytea);
DROP FUNCTION nfcs_core.is_sealed_v1(bytea);
DROP TRIGGER audit_change ON nfcs_core.named_secrets;
DROP TRIGGER update_timestamp ON nfcs_core.named_secrets;
