DROP TRIGGER audit_change ON user_mgmt.partner_configs;
DROP TRIGGER audit_change ON user_mgmt.api_keys;
DROP TRIGGER audit_change ON user_mgmt.users;
