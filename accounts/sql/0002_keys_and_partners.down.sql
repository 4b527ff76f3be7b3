DROP TRIGGER partner_configs_status ON user_mgmt.partner_configs;
DROP FUNCTION user_mgmt.guard_partner_status_v1();
DROP TRIGGER api_keys_guard ON user_mgmt.api_keys;
DROP FUNCTION user_mgmt.guard_api_key_v1();
DROP TRIGGER partner_configs_scopes ON user_mgmt.partner_configs;
DROP TRIGGER api_keys_scopes ON user_mgmt.api_keys;
DROP FUNCTION user_mgmt.guard_scopes_v1();
ALTER TABLE user_mgmt.partner_configs DROP CONSTRAINT partner_configs_refs_ck;
ALTER TABLE user_mgmt.api_keys
    DROP CONSTRAINT api_keys_expires_ck,
    DROP CONSTRAINT api_keys_networks_ck,
    DROP CONSTRAINT api_keys_scopes_ck,
    DROP CONSTRAINT api_keys_secret_hash_ck,
    DROP CONSTRAINT api_keys_prefix_ck;
DROP TRIGGER update_timestamp ON user_mgmt.partner_configs;
DROP TRIGGER update_timestamp ON user_mgmt.api_keys;
