CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.named_secrets
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.named_secrets
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v2('*value');

-- What is stored has the form of a sealed value: version 1, a key's id, 12 octets of nonce, 16 of tag. A text that was
-- never encrypted is refused whoever writes it.
CREATE FUNCTION nfcs_core.is_sealed_v1(value bytea) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length(value) < 31 THEN false
        ELSE get_byte(value, 0) = 1
         AND get_byte(value, 1) BETWEEN 1 AND 32
         AND octet_length(value) >= 30 + get_byte(value, 1)
         AND encode(substring(value FROM 3 FOR get_byte(value, 1)), 'escape') ~ '^[a-z0-9][a-z0-9._-]*$'
    END
$$;
COMMENT ON FUNCTION nfcs_core.is_sealed_v1(bytea) IS
    'Whether octets have the form of a sealed value of an encrypted column; null for null.';

-- The id of the key that sealed a value.
CREATE FUNCTION nfcs_core.sealing_key_v1(value bytea) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN nfcs_core.is_sealed_v1(value)
        THEN encode(substring(value FROM 3 FOR get_byte(value, 1)), 'escape') END
$$;
COMMENT ON FUNCTION nfcs_core.sealing_key_v1(bytea) IS
    'The id of the key that sealed a value of an encrypted column; null where it has not that form.';

ALTER TABLE nfcs_core.named_secrets
    ADD CONSTRAINT named_secrets_value_ck CHECK (nfcs_core.is_sealed_v1(value));
