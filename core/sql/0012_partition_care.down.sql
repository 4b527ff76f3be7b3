DELETE FROM nfcs_core.system_config WHERE config_key = 'partitions.retention';
ALTER TABLE nfcs_core.system_config
    DROP CONSTRAINT system_config_known_ck,
    ADD CONSTRAINT system_config_known_ck CHECK (
        nfcs_core.is_known_setting_v1(config_key, config_type, config_value));
DROP FUNCTION nfcs_core.is_known_setting_v2(text, text, jsonb);
DROP FUNCTION nfcs_core.follow_identity_v1(regclass, regclass);
DROP FUNCTION nfcs_core.count_default_rows_v1(regclass, bigint);
