-- The primary key of a row as text; of a key of several columns the values in the order of the key, with commas.
CREATE FUNCTION nfcs_core.audit_row_key_v1(relation oid, row_data jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(row_data ->> a.attname, ',' ORDER BY array_position(i.indkey::int2[], a.attnum)), '')
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = relation AND i.indisprimary
$$;
COMMENT ON FUNCTION nfcs_core.audit_row_key_v1(oid, jsonb) IS 'The primary key of a row of a table, as text.';

-- A value of more than 8 kB, such as an embedding or a document, stands in an entry as its digest.
CREATE FUNCTION nfcs_core.shorten_audited_v1(row_data jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(key, CASE
        WHEN octet_length(value::text) > 8192 THEN jsonb_build_object(
            'sha256', encode(sha256(convert_to(value::text, 'UTF8')), 'hex'), 'octets', octet_length(value::text))
        ELSE value END)
    FROM jsonb_each(row_data)
$$;
COMMENT ON FUNCTION nfcs_core.shorten_audited_v1(jsonb) IS
    'A row for its audit entry: values of more than 8192 octets of JSON become their SHA-256 and size.';

-- The audit trigger. Attach AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW as audit_change. Its arguments name columns
-- that stay out of the entry. After an asterisk, as in '*password_hash', stands a secret: the entry says that it
-- changed, never what it is. Without one stands a counter, such as the time of last use: an update of nothing but such
-- columns and updated_at leaves no entry.
CREATE FUNCTION nfcs_core.audit_change_v2() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET extra_float_digits = 1
AS $$
DECLARE
    before jsonb;
    after jsonb;
    hidden text[];
    changed jsonb;
    body bytea;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := to_jsonb(NEW);
    END IF;
    IF TG_NARGS > 0 THEN
        SELECT array_agg(ltrim(argument, '*')),
               jsonb_agg(substr(argument, 2) ORDER BY argument) FILTER (
                   WHERE argument LIKE '*%'
                     AND before -> substr(argument, 2) IS DISTINCT FROM after -> substr(argument, 2))
        INTO hidden, changed
        FROM unnest(TG_ARGV) argument;
        before := before - hidden;
        after := after - hidden;
    END IF;
    IF TG_OP = 'UPDATE' AND changed IS NULL AND before - 'updated_at' = after - 'updated_at' THEN
        RETURN NULL;
    END IF;
    body := convert_to(nfcs_core.audit_payload_v1(before, after, changed)::text, 'UTF8');
    IF octet_length(body) > 8192 THEN
        body := convert_to(
            nfcs_core.audit_payload_v1(
                nfcs_core.shorten_audited_v1(before), nfcs_core.shorten_audited_v1(after), changed)::text,
            'UTF8');
    END IF;
    INSERT INTO nfcs_core.golden_dag_audit
        (ts, actor_id, database_role, action, table_name, row_key, payload, payload_sha256)
    VALUES (
        statement_timestamp(),
        nullif(current_setting('nfcs.user_id', true), '')::integer,
        session_user,
        CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
        TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME,
        left(coalesce(after ->> 'id', before ->> 'id',
                      nfcs_core.audit_row_key_v1(TG_RELID, coalesce(after, before))), 255),
        body,
        sha256(body));
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.audit_change_v2() IS
    'Trigger: one audit entry for a changed row; arguments name columns that stay out, *name one whose change is told.';

CREATE FUNCTION nfcs_core.audit_payload_v1(before jsonb, after jsonb, changed jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('before', before, 'after', after)
        || CASE WHEN changed IS NULL THEN '{}' ELSE jsonb_build_object('changed_secrets', changed) END
$$;
COMMENT ON FUNCTION nfcs_core.audit_payload_v1(jsonb, jsonb, jsonb) IS
    'What an audit entry says of a row: before, after, and the names of secrets that changed.';

-- What no row shows: sign-ins, refusals, uses of keys, exports. The payload says that a program reported it.
CREATE FUNCTION nfcs_core.record_event_v1(
    event text, of_action text, of_table text, of_row text, details jsonb
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body bytea := convert_to(jsonb_build_object('event', event, 'details', details)::text, 'UTF8');
    made bigint;
BEGIN
    IF coalesce(event, '') = '' OR jsonb_typeof(details) IS DISTINCT FROM 'object' OR octet_length(body) > 65536 THEN
        RAISE EXCEPTION 'an event has a name, and details that are an object of at most 65536 octets'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'golden_dag_audit_event',
                  TABLE = 'golden_dag_audit';
    END IF;
    INSERT INTO nfcs_core.golden_dag_audit
        (ts, actor_id, database_role, action, table_name, row_key, payload, payload_sha256)
    VALUES (
        statement_timestamp(),
        nullif(current_setting('nfcs.user_id', true), '')::integer,
        session_user,
        of_action,
        of_table,
        left(of_row, 255),
        body,
        sha256(body))
    RETURNING id INTO made;
    RETURN made;
END;
$$;
COMMENT ON FUNCTION nfcs_core.record_event_v1(text, text, text, text, jsonb) IS
    'Writes an audit entry about an event that no changed row shows; its id.';

REVOKE EXECUTE ON FUNCTION
    nfcs_core.audit_row_key_v1(oid, jsonb),
    nfcs_core.shorten_audited_v1(jsonb),
    nfcs_core.audit_change_v2(),
    nfcs_core.audit_payload_v1(jsonb, jsonb, jsonb),
    nfcs_core.record_event_v1(text, text, text, text, jsonb)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION nfcs_core.record_event_v1(text, text, text, text, jsonb) TO nfcs_app;
