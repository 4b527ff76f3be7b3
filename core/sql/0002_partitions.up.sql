-- Makes the partition [from_ts, to_ts) of a range-partitioned parent, unless it is there.
--
-- Safe beside writers: one caller at a time, the parent in SHARE ROW EXCLUSIVE and its DEFAULT in ACCESS EXCLUSIVE, and
-- never longer than lock_timeout waiting for a lock: a refused attempt lets go of all its locks and is tried again. Rows
-- that went to DEFAULT meanwhile move over. The new leaf carries no grants: only the parent is read and written.
CREATE FUNCTION nfcs_core.ensure_partition_v1(
    parent regclass, partition_name text, from_ts timestamptz, to_ts timestamptz
) RETURNS boolean
LANGUAGE plpgsql
SET lock_timeout = '500ms'
SET timezone = 'UTC'
AS $$
DECLARE
    parent_schema text;
    parent_name text;
    key_column text;
    columns text;
    default_leaf regclass;
    existing_bound text;
    attempts integer := 0;
BEGIN
    SELECT n.nspname, c.relname INTO parent_schema, parent_name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent AND c.relkind = 'p';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not a partitioned table', parent USING ERRCODE = 'wrong_object_type';
    END IF;
    IF length(partition_name) > 63 THEN
        RAISE EXCEPTION 'partition name % is longer than 63 bytes', partition_name USING ERRCODE = 'name_too_long';
    END IF;

    LOOP
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('nfcs partition'), parent::oid::integer);

            SELECT pg_get_expr(c.relpartbound, c.oid) INTO existing_bound
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND c.relname = partition_name;
            IF FOUND THEN
                IF existing_bound IS DISTINCT FROM
                    format('FOR VALUES FROM (%L) TO (%L)', from_ts::text, to_ts::text) THEN
                    RAISE EXCEPTION 'partition % exists with other bounds: %', partition_name, existing_bound
                        USING ERRCODE = 'duplicate_table';
                END IF;
                RETURN false;
            END IF;

            EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', parent);
            SELECT p.partdefid::regclass, a.attname INTO default_leaf, key_column
            FROM pg_partitioned_table p
            JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
            WHERE p.partrelid = parent;

            EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING IDENTITY)',
                           parent_schema, partition_name, parent);
            IF default_leaf <> 0 THEN
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_leaf);
                SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
                FROM pg_attribute
                WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
                EXECUTE format(
                    'WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING %s)
                     INSERT INTO %I.%I (%s) SELECT %s FROM moved',
                    default_leaf, key_column, from_ts, key_column, to_ts, columns,
                    parent_schema, partition_name, columns, columns);
            END IF;
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, parent_schema, partition_name, from_ts, to_ts);
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN
            attempts := attempts + 1;
            IF attempts >= 20 THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(random() * 0.2);
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.ensure_partition_v1(regclass, text, timestamptz, timestamptz) IS
    'Makes one range partition, moving rows out of DEFAULT; true when it was made, false when it was there.';

-- The seed's signature. Any day of the month will do; bounds are UTC whatever the session's time zone is.
CREATE FUNCTION nfcs_core.create_monthly_partition(table_name text, start_date date) RETURNS void
LANGUAGE plpgsql
SET timezone = 'UTC'
AS $$
DECLARE
    first_day date := date_trunc('month', start_date)::date;
    parent regclass := table_name::regclass;
    base_name text;
BEGIN
    SELECT relname INTO base_name FROM pg_class WHERE oid = parent;
    PERFORM nfcs_core.ensure_partition_v1(
        parent,
        base_name || to_char(first_day, '"_y"YYYY"m"MM'),
        first_day::timestamptz,
        (first_day + interval '1 month')::timestamptz);
END;
$$;
COMMENT ON FUNCTION nfcs_core.create_monthly_partition(text, date) IS
    'Makes the partition of the UTC month that holds start_date, unless it is there; safe beside writers.';

-- What partitions there are, for people, commands and the admin.
CREATE FUNCTION nfcs_core.list_partitions_v1(parent regclass)
RETURNS TABLE (partition_name text, from_ts timestamptz, to_ts timestamptz, is_default boolean, estimated_rows bigint, bytes bigint)
LANGUAGE sql STABLE
SET timezone = 'UTC'
AS $$
    SELECT c.relname::text,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM $r$FROM \('([^']+)'\)$r$)::timestamptz,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM $r$TO \('([^']+)'\)$r$)::timestamptz,
           pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT',
           greatest(c.reltuples, 0)::bigint,
           pg_total_relation_size(c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent
    ORDER BY 2 NULLS LAST
$$;
COMMENT ON FUNCTION nfcs_core.list_partitions_v1(regclass) IS
    'The partitions of a table with their UTC bounds, planner''s row estimate and size; DEFAULT last.';
