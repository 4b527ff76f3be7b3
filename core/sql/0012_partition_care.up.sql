-- How many rows lie in the DEFAULT partition of a table, counted to `most` at the utmost: enough for an alarm. As its
-- owner, because the runtime role reads no partition by itself and row security would hide what others wrote; it
-- answers a number and nothing else.
CREATE FUNCTION nfcs_core.count_default_rows_v1(parent regclass, most bigint DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leaf regclass;
    found bigint := 0;
BEGIN
    SELECT nullif(p.partdefid, 0)::regclass INTO leaf
    FROM pg_catalog.pg_partitioned_table p
    JOIN pg_catalog.pg_class c ON c.oid = p.partrelid
    WHERE p.partrelid = parent
      AND c.relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace
                             WHERE nspname IN ('nfcs_core', 'kuramoto', 'constitutional', 'cognitive', 'validation'));
    IF leaf IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT %s) AS first_rows', leaf, greatest(most, 0)) INTO found;
    END IF;
    RETURN found;
END;
$$;
COMMENT ON FUNCTION nfcs_core.count_default_rows_v1(regclass, bigint) IS
    'Rows in the DEFAULT partition of a table, counted to `most` at the utmost; 0 is healthy.';
REVOKE ALL ON FUNCTION nfcs_core.count_default_rows_v1(regclass, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION nfcs_core.count_default_rows_v1(regclass, bigint) TO nfcs_app;

-- New rows of a table are numbered past the rows that came back to one of its partitions.
CREATE FUNCTION nfcs_core.follow_identity_v1(parent regclass, leaf regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    identity_column name;
    numbers regclass;
BEGIN
    FOR identity_column IN
        SELECT attname FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND attidentity <> '' AND NOT attisdropped
    LOOP
        numbers := pg_get_serial_sequence(parent::text, identity_column)::regclass;
        EXECUTE format(
            'SELECT setval(%L::regclass, highest) FROM (SELECT max(%I) AS highest FROM %s) AS came_back
             WHERE highest > (SELECT last_value FROM %s)',
            numbers, identity_column, leaf, numbers);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.follow_identity_v1(regclass, regclass) IS
    'Numbers new rows of a table past the highest identity in one of its partitions.';
REVOKE ALL ON FUNCTION nfcs_core.follow_identity_v1(regclass, regclass) FROM PUBLIC;

-- Retention is a policy a table: after how many days from its end a partition goes, and whether it is archived first.
-- The audit trail is kept for seven years at least.
CREATE FUNCTION nfcs_core.is_known_setting_v2(key text, type text, value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE key
        WHEN 'partitions.retention' THEN type = 'object' AND jsonb_typeof(value) = 'object' AND NOT EXISTS (
            SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS p (name, policy)
            WHERE NOT coalesce(
                jsonb_typeof(policy) = 'object'
                AND policy @? 'strict $.keep_days ? (@ >= 1 && @ <= 36500 && @ == @.floor())'
                AND policy @? 'strict $.archive ? (@ == true || @ == false)'
                AND policy - '{keep_days, archive}'::text[] = '{}'
                AND (name <> 'golden_dag_audit' OR policy @? 'strict $ ? (@.keep_days >= 2557 && @.archive == true)'),
                false))
        ELSE nfcs_core.is_known_setting_v1(key, type, value)
    END
$$;
COMMENT ON FUNCTION nfcs_core.is_known_setting_v2(text, text, jsonb) IS
    'Whether a configuration value is one that the reader of its key can use; true for keys nobody reads.';
ALTER TABLE nfcs_core.system_config
    DROP CONSTRAINT system_config_known_ck,
    ADD CONSTRAINT system_config_known_ck CHECK (
        nfcs_core.is_known_setting_v2(config_key, config_type, config_value));
