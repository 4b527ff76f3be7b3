DROP POLICY visible ON user_mgmt.rate_limits;
ALTER TABLE user_mgmt.rate_limits DISABLE ROW LEVEL SECURITY;
DROP POLICY visible ON user_mgmt.api_key_uses;
ALTER TABLE user_mgmt.api_key_uses DISABLE ROW LEVEL SECURITY;
DROP FUNCTION user_mgmt.forget_rate_limits_v1();
DROP FUNCTION user_mgmt.take_request_v1(text, integer, integer);
DROP FUNCTION user_mgmt.note_key_use_v1(bigint, inet, text);
DROP FUNCTION user_mgmt.find_api_key_v1(text);
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.api_keys', '{*secret_hash, last_used_at}');
DROP TRIGGER api_keys_partner ON user_mgmt.api_keys;
DROP FUNCTION user_mgmt.guard_partner_key_v1();
DROP TRIGGER api_keys_guard ON user_mgmt.api_keys;
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_api_key_v1();
DROP FUNCTION user_mgmt.guard_api_key_v2();
DROP TRIGGER update_timestamp ON user_mgmt.api_keys;
CREATE TRIGGER update_timestamp BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
ALTER TABLE user_mgmt.api_keys DROP CONSTRAINT api_keys_grace_ck, DROP CONSTRAINT api_keys_previous_ck;
ALTER TABLE user_mgmt.api_key_uses DROP CONSTRAINT api_key_uses_key_fk;
