-- Moves the rows of [from_ts, to_ts) from a DEFAULT partition to the table that will be attached for them. No trigger
-- fires: the rows change their place, nobody deletes them. Generated columns are computed anew, identities kept.
CREATE FUNCTION nfcs_core.move_default_rows_v1(
    default_leaf regclass, key_column name, target regclass, from_ts timestamptz, to_ts timestamptz
) RETURNS bigint
LANGUAGE plpgsql
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    columns text;
    silence text;
    restore text;
    moved bigint;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
    FROM pg_attribute
    WHERE attrelid = default_leaf AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    SELECT string_agg(format('DISABLE TRIGGER %I', tgname), ', '),
           string_agg(format('ENABLE %s TRIGGER %I', CASE tgenabled WHEN 'A' THEN 'ALWAYS' END, tgname), ', ')
    INTO silence, restore
    FROM pg_trigger
    WHERE tgrelid = default_leaf AND NOT tgisinternal AND tgenabled IN ('O', 'A');

    IF silence IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', default_leaf, silence);
    END IF;
    EXECUTE format(
        'WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING %s)
         INSERT INTO %s (%s) SELECT %s FROM moved',
        default_leaf, key_column, from_ts, key_column, to_ts, columns, target, columns, columns);
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF restore IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', default_leaf, restore);
    END IF;
    RETURN moved;
END;
$$;
COMMENT ON FUNCTION nfcs_core.move_default_rows_v1(regclass, name, regclass, timestamptz, timestamptz) IS
    'Moves the rows of a span of time from a DEFAULT partition to another table, firing no trigger; how many.';

-- Makes the partition [from_ts, to_ts) of a range-partitioned parent, unless it is there.
--
-- Safe beside writers: one caller at a time, the parent in SHARE ROW EXCLUSIVE and its DEFAULT in ACCESS EXCLUSIVE, and
-- never longer than lock_timeout waiting for a lock: a refused attempt lets go of all its locks and is tried again. Rows
-- that went to DEFAULT meanwhile move over. The new leaf carries no grants: only the parent is read and written. Its
-- catalogue entries are those of CREATE TABLE ... PARTITION OF, which would lock out readers of the parent.
CREATE FUNCTION nfcs_core.ensure_partition_v1(
    parent regclass, partition_name text, from_ts timestamptz, to_ts timestamptz, max_attempts integer DEFAULT 20,
    OUT made boolean, OUT moved_rows bigint
)
LANGUAGE plpgsql
SET lock_timeout = '500ms'
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    parent_schema text;
    key_column name;
    default_leaf regclass;
    leaf regclass;
    existing_bound text;
    grantee text;
BEGIN
    IF parent IS NULL OR partition_name IS NULL OR from_ts IS NULL OR to_ts IS NULL THEN
        RAISE EXCEPTION 'table, name and both bounds of a partition are needed' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF octet_length(partition_name) > 63 THEN
        RAISE EXCEPTION 'partition name % is longer than 63 bytes', partition_name USING ERRCODE = 'name_too_long';
    END IF;
    SELECT n.nspname, a.attname INTO parent_schema, key_column
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = parent AND p.partstrat = 'r' AND p.partnatts = 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not a table partitioned by ranges of one column', parent
            USING ERRCODE = 'wrong_object_type';
    END IF;

    FOR attempt IN 1 .. greatest(max_attempts, 1) LOOP
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('nfcs partition of ' || parent::oid, 0));

            SELECT pg_get_expr(c.relpartbound, c.oid) INTO existing_bound
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND c.relname = partition_name;
            IF FOUND THEN
                IF existing_bound IS DISTINCT FROM format('FOR VALUES FROM (%L) TO (%L)', from_ts, to_ts) THEN
                    RAISE EXCEPTION 'partition % exists with other bounds: %', partition_name, existing_bound
                        USING ERRCODE = 'duplicate_table';
                END IF;
                made := false;
                moved_rows := 0;
                RETURN;
            END IF;

            EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', parent);
            SELECT nullif(partdefid, 0)::regclass INTO default_leaf FROM pg_partitioned_table WHERE partrelid = parent;
            EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING IDENTITY EXCLUDING COMMENTS)',
                           parent_schema, partition_name, parent);
            leaf := format('%I.%I', parent_schema, partition_name)::regclass;
            FOR grantee IN
                SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = leaf AND a.grantee <> c.relowner
            LOOP
                EXECUTE format('REVOKE ALL ON TABLE %s FROM %s', leaf, grantee);
            END LOOP;

            moved_rows := 0;
            IF default_leaf IS NOT NULL THEN
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_leaf);
                moved_rows := nfcs_core.move_default_rows_v1(default_leaf, key_column, leaf, from_ts, to_ts);
            END IF;
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                           parent, leaf, from_ts, to_ts);
            made := true;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt >= max_attempts THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(random() * 0.2);
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.ensure_partition_v1(regclass, text, timestamptz, timestamptz, integer) IS
    'Makes one range partition, moving rows out of DEFAULT: whether it was made, and how many rows moved.';

-- The seed's signature. Any day of the month will do; bounds are UTC whatever the session's time zone is.
CREATE FUNCTION nfcs_core.create_monthly_partition(table_name text, start_date date) RETURNS void
LANGUAGE plpgsql
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    parent regclass := table_name::regclass;
    first_day timestamptz := date_trunc('month', start_date);
BEGIN
    IF start_date IS NULL OR NOT isfinite(start_date) OR start_date < '0001-01-01' THEN
        RAISE EXCEPTION 'a date of the common era is needed, not %', coalesce(start_date::text, 'null')
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM nfcs_core.ensure_partition_v1(
        parent,
        (SELECT relname FROM pg_class WHERE oid = parent) || to_char(first_day, '"_y"YYYY"m"MM'),
        first_day,
        first_day + interval '1 month');
END;
$$;
COMMENT ON FUNCTION nfcs_core.create_monthly_partition(text, date) IS
    'Makes the partition of the UTC month that holds start_date, unless it is there; safe beside writers.';

-- What partitions there are, for people, commands and the admin.
CREATE FUNCTION nfcs_core.list_partitions_v1(parent regclass)
RETURNS TABLE (
    partition_name text, from_ts timestamptz, to_ts timestamptz, is_default boolean, estimated_rows bigint, bytes bigint
)
LANGUAGE sql STABLE
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
    SELECT c.relname::text,
           substring(b.bound FROM $r$FROM \('([^']+)'\)$r$)::timestamptz,
           substring(b.bound FROM $r$TO \('([^']+)'\)$r$)::timestamptz,
           b.bound = 'DEFAULT',
           greatest(c.reltuples, 0)::bigint,
           pg_total_relation_size(c.oid)
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
    WHERE i.inhparent = parent
    ORDER BY 4, 2 NULLS FIRST
$$;
COMMENT ON FUNCTION nfcs_core.list_partitions_v1(regclass) IS
    'The partitions of a table with their UTC bounds, planner''s row estimate and size; DEFAULT last.';
