ALTER TABLE nfcs_core.audit_lanes ADD CONSTRAINT audit_lanes_lane_ck CHECK (lane BETWEEN 0 AND 7);
ALTER TABLE nfcs_core.audit_lanes ADD CONSTRAINT audit_lanes_head_ck CHECK (octet_length(head) = 32);
-- Eight rows that every commit changes.
ALTER TABLE nfcs_core.audit_lanes SET (fillfactor = 10);
ALTER TABLE nfcs_core.audit_links ADD CONSTRAINT audit_links_sha256_ck CHECK (
    octet_length(entry_sha256) = 32 AND octet_length(previous_sha256) = 32 AND octet_length(link_sha256) = 32);
ALTER TABLE nfcs_core.audit_checkpoints ADD CONSTRAINT audit_checkpoints_sha256_ck CHECK (sha256 = sha256(document));

CREATE TRIGGER audit_links_append_only BEFORE UPDATE OR DELETE ON nfcs_core.audit_links
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON nfcs_core.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();
CREATE TRIGGER golden_dag_audit_kept BEFORE DELETE ON nfcs_core.golden_dag_audit
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1('golden_dag_audit');

-- The bytes of an entry and of a link that are hashed: numbers in decimal, times in microseconds since 1970, texts after
-- their length, digests as they are. core/audit_verifier.py builds the same.
CREATE FUNCTION nfcs_core.audit_entry_sha256_v1(
    id bigint, ts timestamptz, actor integer, role text, action text, of_table text, of_row text, payload_sha256 bytea
) RETURNS bytea
LANGUAGE sql STABLE
AS $$
    SELECT sha256(convert_to(format(
        E'nfcs-audit-entry-1\n%s\n%s\n%s\n%s:%s\n%s:%s\n%s:%s\n%s:%s\n',
        id, (extract(epoch FROM ts) * 1000000)::bigint, coalesce(actor::text, '-'),
        octet_length(role), role, octet_length(action), action,
        octet_length(of_table), of_table, octet_length(of_row), of_row), 'UTF8') || payload_sha256)
$$;
COMMENT ON FUNCTION nfcs_core.audit_entry_sha256_v1(bigint, timestamptz, integer, text, text, text, text, bytea) IS
    'SHA-256 of an audit entry: of all its columns.';

CREATE FUNCTION nfcs_core.audit_link_sha256_v1(
    lane smallint, sequence bigint, entry_id bigint, entry_ts timestamptz, entry_sha256 bytea, previous_sha256 bytea
) RETURNS bytea
LANGUAGE sql STABLE
AS $$
    SELECT sha256(convert_to(format(
        E'nfcs-audit-link-1\n%s\n%s\n%s\n%s\n', lane, sequence, entry_id,
        (extract(epoch FROM entry_ts) * 1000000)::bigint), 'UTF8') || entry_sha256 || previous_sha256)
$$;
COMMENT ON FUNCTION nfcs_core.audit_link_sha256_v1(smallint, bigint, bigint, timestamptz, bytea, bytea) IS
    'SHA-256 of a link of the audit chain: of its place, its entry and the link before it.';

-- Takes a lane until the end of the transaction: the one it has, else the session's last one, else the first that nobody
-- has, else one to wait for. So sessions that write at once soon keep to lanes of their own.
CREATE FUNCTION nfcs_core.take_audit_lane_v1() RETURNS nfcs_core.audit_lanes
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said text := current_setting('nfcs.audit_lane', true);
    mine smallint := CASE WHEN said IN ('1', '2', '3', '4', '5', '6', '7') THEN said::smallint ELSE 0 END;
    any_lane integer := floor(random() * 8);
    taken nfcs_core.audit_lanes;
BEGIN
    SELECT l.* INTO taken FROM nfcs_core.audit_lanes l WHERE l.lane = mine FOR UPDATE SKIP LOCKED;
    FOR attempt IN 1 .. 2 LOOP
        EXIT WHEN taken.lane IS NOT NULL;
        SELECT l.* INTO taken FROM nfcs_core.audit_lanes l ORDER BY l.lane LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN FOUND OR attempt = 2;
        INSERT INTO nfcs_core.audit_lanes (lane, sequence, head)
        SELECT lane, 0, decode(repeat('00', 32), 'hex') FROM generate_series(0, 7) lane
        WHERE NOT EXISTS (SELECT FROM nfcs_core.audit_lanes)
        ON CONFLICT DO NOTHING;
    END LOOP;
    IF taken.lane IS NULL THEN
        SELECT l.* INTO STRICT taken FROM nfcs_core.audit_lanes l WHERE l.lane = any_lane FOR UPDATE;
    END IF;
    IF said IS DISTINCT FROM taken.lane::text THEN
        PERFORM set_config('nfcs.audit_lane', taken.lane::text, false);
    END IF;
    RETURN taken;
END;
$$;
COMMENT ON FUNCTION nfcs_core.take_audit_lane_v1() IS 'Takes one of the eight lanes of the audit chain; its head.';

-- Links every visible entry from one id to another that has no link: those of this transaction, as others commit theirs
-- linked. One plan serves all values: with the upper bound it takes the index on ids.
CREATE FUNCTION nfcs_core.link_audit_entries_v1(first_id bigint, last_id bigint, since timestamptz) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    unlinked bigint[] := ARRAY(
        SELECT a.id FROM nfcs_core.golden_dag_audit a
        WHERE a.id BETWEEN first_id AND last_id AND a.ts >= since AND a.ts < clock_timestamp() + interval '1 day'
          AND NOT EXISTS (SELECT FROM nfcs_core.audit_links l WHERE l.entry_id = a.id));
    place nfcs_core.audit_lanes;
    entry record;
    entry_hash bytea;
    link_hash bytea;
BEGIN
    IF unlinked = '{}' THEN
        RETURN 0;
    END IF;
    place := nfcs_core.take_audit_lane_v1();
    FOR entry IN
        SELECT a.* FROM nfcs_core.golden_dag_audit a
        WHERE a.id = ANY (unlinked) AND a.ts >= since AND a.ts < clock_timestamp() + interval '1 day' ORDER BY a.id
    LOOP
        place.sequence := place.sequence + 1;
        entry_hash := nfcs_core.audit_entry_sha256_v1(
            entry.id, entry.ts, entry.actor_id, entry.database_role, entry.action, entry.table_name, entry.row_key,
            entry.payload_sha256);
        link_hash := nfcs_core.audit_link_sha256_v1(
            place.lane, place.sequence, entry.id, entry.ts, entry_hash, place.head);
        INSERT INTO nfcs_core.audit_links
            (lane, sequence, entry_id, entry_ts, entry_sha256, previous_sha256, link_sha256)
        VALUES (place.lane, place.sequence, entry.id, entry.ts, entry_hash, place.head, link_hash);
        place.head := link_hash;
    END LOOP;
    UPDATE nfcs_core.audit_lanes SET sequence = place.sequence, head = place.head WHERE lane = place.lane;
    RETURN cardinality(unlinked);
END;
$$;
COMMENT ON FUNCTION nfcs_core.link_audit_entries_v1(bigint, bigint, timestamptz) IS
    'Links the entries between two ids, from a time on, that have no link yet; how many.';

-- At commit. An entry after which this session made no other is linked by itself, from its row alone. The first one of
-- several links all of them, so that a lane is changed once; the others find their link there.
CREATE FUNCTION nfcs_core.link_audit_entry_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last_id bigint;
    place nfcs_core.audit_lanes;
    entry_hash bytea;
    link_hash bytea;
BEGIN
    IF EXISTS (SELECT FROM nfcs_core.audit_links WHERE entry_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    last_id := currval('nfcs_core.golden_dag_audit_id_seq');
    IF NEW.id <> last_id THEN
        PERFORM nfcs_core.link_audit_entries_v1(
            NEW.id, greatest(NEW.id, last_id), least(NEW.ts, transaction_timestamp()));
        RETURN NULL;
    END IF;
    place := nfcs_core.take_audit_lane_v1();
    entry_hash := nfcs_core.audit_entry_sha256_v1(
        NEW.id, NEW.ts, NEW.actor_id, NEW.database_role, NEW.action, NEW.table_name, NEW.row_key, NEW.payload_sha256);
    link_hash := nfcs_core.audit_link_sha256_v1(
        place.lane, place.sequence + 1, NEW.id, NEW.ts, entry_hash, place.head);
    INSERT INTO nfcs_core.audit_links
        (lane, sequence, entry_id, entry_ts, entry_sha256, previous_sha256, link_sha256)
    VALUES (place.lane, place.sequence + 1, NEW.id, NEW.ts, entry_hash, place.head, link_hash);
    UPDATE nfcs_core.audit_lanes SET sequence = place.sequence + 1, head = link_hash WHERE lane = place.lane;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.link_audit_entry_v1() IS 'Trigger: links an audit entry into a lane when it is committed.';

-- What was written before there were links.
SELECT nfcs_core.link_audit_entries_v1(0, 9223372036854775807, '-infinity');

CREATE CONSTRAINT TRIGGER golden_dag_audit_link AFTER INSERT ON nfcs_core.golden_dag_audit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nfcs_core.link_audit_entry_v1();

-- A signed checkpoint. Its document says which one it follows; the numbers have no gap.
CREATE FUNCTION nfcs_core.add_audit_checkpoint_v1(
    of_document bytea, of_signature bytea, of_public_key bytea
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said jsonb := convert_from(of_document, 'UTF8')::jsonb;
    last record;
BEGIN
    SELECT c.number, encode(c.sha256, 'hex') AS sha256 INTO last
    FROM nfcs_core.audit_checkpoints c ORDER BY c.number DESC LIMIT 1;
    IF (said ->> 'number')::bigint IS DISTINCT FROM coalesce(last.number, 0) + 1
       OR said ->> 'previous' IS DISTINCT FROM last.sha256 THEN
        RAISE EXCEPTION 'the checkpoint does not follow checkpoint %', coalesce(last.number, 0)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_checkpoints_follow',
                  TABLE = 'audit_checkpoints';
    END IF;
    INSERT INTO nfcs_core.audit_checkpoints (number, made_at, reason, entries, document, sha256, signature, public_key)
    VALUES ((said ->> 'number')::bigint, (said ->> 'made_at')::timestamptz, said ->> 'reason',
            (said ->> 'entries')::bigint, of_document, sha256(of_document), of_signature, of_public_key);
    RETURN (said ->> 'number')::bigint;
END;
$$;
COMMENT ON FUNCTION nfcs_core.add_audit_checkpoint_v1(bytea, bytea, bytea) IS
    'Stores a signed checkpoint of the audit chain, the one after the last; its number.';

-- One entry for a statement: how many rows, and a digest over them in the order of the statement. Of a few rows, one
-- entry each. Arguments: an aggregate over rows r that gives the digest, '' for one of all columns; up to how many rows
-- are told one by one; the column of the run, ''  where there is none. Transition tables are old_rows and new_rows.
CREATE FUNCTION nfcs_core.audit_statement_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET extra_float_digits = 1
AS $$
DECLARE
    query text := format(
        'SELECT count(*), %s, %s FROM %%I r',
        coalesce(nullif(TG_ARGV[0], ''), 'sha256(string_agg(sha256(record_send(r)), ''''))'),
        CASE TG_ARGV[2] WHEN '' THEN 'NULL::bigint, NULL::bigint'
                        ELSE format('min(r.%1$I), max(r.%1$I)', TG_ARGV[2]) END);
    n bigint;
    lowest bigint;
    highest bigint;
    before bytea;
    after bytea;
    told jsonb[] := '{}';
    body bytea;
    of_action text := CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        EXECUTE format(query, 'old_rows') INTO n, before, lowest, highest;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE format(query, 'new_rows') INTO n, after, lowest, highest;
    END IF;
    IF n = 0 THEN
        RETURN NULL;
    END IF;
    IF n <= TG_ARGV[1]::bigint THEN
        CASE TG_OP
            WHEN 'INSERT' THEN
                told := ARRAY(SELECT jsonb_build_array(NULL, to_jsonb(r)) FROM new_rows r);
            WHEN 'DELETE' THEN
                told := ARRAY(SELECT jsonb_build_array(to_jsonb(r), NULL) FROM old_rows r);
            ELSE
                told := ARRAY(SELECT jsonb_build_array(o.row_data, u.row_data)
                    FROM (SELECT to_jsonb(r) AS row_data FROM old_rows r) o
                    FULL JOIN (SELECT to_jsonb(r) AS row_data FROM new_rows r) u
                    ON u.row_data ->> 'id' = o.row_data ->> 'id');
        END CASE;
        INSERT INTO nfcs_core.golden_dag_audit
            (ts, actor_id, database_role, action, table_name, row_key, payload, payload_sha256)
        SELECT statement_timestamp(), nullif(current_setting('nfcs.user_id', true), '')::integer, session_user,
               of_action, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME,
               coalesce(one -> 1 ->> 'id', one -> 0 ->> 'id', '*'), bytes, sha256(bytes)
        FROM unnest(told) one
        CROSS JOIN LATERAL convert_to(
            nfcs_core.audit_payload_v1(nullif(one -> 0, 'null'), nullif(one -> 1, 'null'), NULL)::text, 'UTF8') bytes;
        RETURN NULL;
    END IF;
    body := convert_to(jsonb_strip_nulls(jsonb_build_object(
        'statement', TG_OP, 'rows', n, 'sha256', encode(coalesce(after, before), 'hex'),
        'before_sha256', CASE TG_OP WHEN 'UPDATE' THEN encode(before, 'hex') END,
        'runs', CASE WHEN lowest IS NOT NULL THEN jsonb_build_array(lowest, highest) END))::text, 'UTF8');
    INSERT INTO nfcs_core.golden_dag_audit
        (ts, actor_id, database_role, action, table_name, row_key, payload, payload_sha256)
    VALUES (statement_timestamp(), nullif(current_setting('nfcs.user_id', true), '')::integer, session_user,
            of_action, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, '*', body, sha256(body));
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.audit_statement_v1() IS
    'Trigger: one audit entry for a statement, with row count and digest; of few rows, one each.';

CREATE FUNCTION nfcs_core.refuse_truncate_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no audit entry', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audited_never_truncated',
              TABLE = TG_TABLE_NAME;
END;
$$;
COMMENT ON FUNCTION nfcs_core.refuse_truncate_v1() IS 'Trigger: refuses TRUNCATE of an audited table.';

-- For migrations: a table whose changes are entries row by row; `hidden` as the arguments of audit_change_v2.
CREATE FUNCTION nfcs_core.audit_rows_of_v1(relation regclass, hidden text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON %s
         FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v2(%s)',
        relation, (SELECT string_agg(quote_literal(name), ', ') FROM unnest(hidden) name));
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER audit_truncate BEFORE TRUNCATE ON %s
         FOR EACH STATEMENT EXECUTE FUNCTION nfcs_core.refuse_truncate_v1()', relation);
END;
$$;
COMMENT ON FUNCTION nfcs_core.audit_rows_of_v1(regclass, text[]) IS
    'Attaches the audit of every row of a table; the columns named stay out, as arguments of audit_change_v2.';

-- For migrations: a table whose changes are entries statement by statement; arguments as those of audit_statement_v1.
CREATE FUNCTION nfcs_core.audit_statements_of_v1(
    relation regclass, digest text DEFAULT '', told integer DEFAULT 0, run_column text DEFAULT '',
    events text[] DEFAULT '{INSERT,UPDATE,DELETE}'
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event text;
BEGIN
    FOREACH event IN ARRAY events LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT
             EXECUTE FUNCTION nfcs_core.audit_statement_v1(%L, %L, %L)',
            'audit_' || lower(event), event, relation,
            CASE event WHEN 'INSERT' THEN 'NEW TABLE AS new_rows' WHEN 'DELETE' THEN 'OLD TABLE AS old_rows'
                       ELSE 'OLD TABLE AS old_rows NEW TABLE AS new_rows' END,
            digest, told, run_column);
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER audit_truncate BEFORE TRUNCATE ON %s
         FOR EACH STATEMENT EXECUTE FUNCTION nfcs_core.refuse_truncate_v1()', relation);
END;
$$;
COMMENT ON FUNCTION nfcs_core.audit_statements_of_v1(regclass, text, integer, text, text[]) IS
    'Attaches the audit of every statement on a table, with row count and digest.';

-- For migrations going down.
CREATE FUNCTION nfcs_core.end_audit_of_v1(relation regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = relation AND NOT tgisinternal
          AND tgname IN ('audit_change', 'audit_insert', 'audit_update', 'audit_delete', 'audit_truncate')
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', name, relation);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.end_audit_of_v1(regclass) IS 'Removes the audit triggers of a table.';

REVOKE EXECUTE ON FUNCTION
    nfcs_core.audit_entry_sha256_v1(bigint, timestamptz, integer, text, text, text, text, bytea),
    nfcs_core.audit_link_sha256_v1(smallint, bigint, bigint, timestamptz, bytea, bytea),
    nfcs_core.take_audit_lane_v1(),
    nfcs_core.link_audit_entries_v1(bigint, bigint, timestamptz),
    nfcs_core.link_audit_entry_v1(),
    nfcs_core.add_audit_checkpoint_v1(bytea, bytea, bytea),
    nfcs_core.audit_statement_v1(),
    nfcs_core.audit_rows_of_v1(regclass, text[]),
    nfcs_core.audit_statements_of_v1(regclass, text, integer, text, text[]),
    nfcs_core.end_audit_of_v1(regclass)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION nfcs_core.add_audit_checkpoint_v1(bytea, bytea, bytea) TO nfcs_app;
