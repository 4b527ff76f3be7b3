-- What the lanes of the audit chain hold after given places: which row of which table changed, never what it says; rows
-- are then read by who asks, as row security lets them. Places follow commits: a transaction holds its lane until its
-- end, so nothing that commits later stands before what was read.
CREATE FUNCTION nfcs_core.list_changes_v1(seen bigint[], most integer)
RETURNS TABLE (lane smallint, sequence bigint, table_name text, row_key text)
LANGUAGE sql STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.lane, l.sequence, e.table_name, e.row_key
    FROM unnest(seen) WITH ORDINALITY AS place (sequence, number)
    CROSS JOIN LATERAL (
        SELECT k.lane, k.sequence, k.entry_id, k.entry_ts FROM nfcs_core.audit_links k
        WHERE k.lane = place.number - 1 AND k.sequence > place.sequence ORDER BY k.sequence LIMIT most) l
    LEFT JOIN nfcs_core.golden_dag_audit e ON e.id = l.entry_id AND e.ts = l.entry_ts
    ORDER BY l.lane, l.sequence
$$;
COMMENT ON FUNCTION nfcs_core.list_changes_v1(bigint[], integer) IS
    'The tables and keys of the rows that changed after given places in the eight lanes of the audit chain.';
REVOKE EXECUTE ON FUNCTION nfcs_core.list_changes_v1(bigint[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION nfcs_core.list_changes_v1(bigint[], integer) TO nfcs_app;
