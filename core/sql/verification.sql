-- name: list_objects
SELECT kind, name, definition FROM (
    WITH places AS (
        SELECT n.oid, n.nspname AS schema FROM pg_namespace n
        WHERE n.nspname IN ('nfcs_core', 'user_mgmt', 'kuramoto', 'constitutional', 'cognitive', 'validation')
    ), relations AS (
        -- Partitions made later are those of their parents; the DEFAULT ones come with the migrations.
        SELECT c.oid, p.schema || '.' || c.relname AS name, c.relkind, c.relispartition, c.relrowsecurity,
               pg_get_expr(c.relpartbound, c.oid) AS bound
        FROM pg_class c JOIN places p ON p.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm')
          AND (NOT c.relispartition OR pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT')
    ), parents AS (
        SELECT * FROM relations WHERE NOT relispartition
    )
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
           name,
           coalesce(bound, CASE relkind WHEN 'p' THEN pg_get_partkeydef(oid)
                                        WHEN 'r' THEN '' ELSE md5(regexp_replace(
                                            pg_get_viewdef(oid), '::(character varying|text)(\[\])?|[() ]', '', 'g'))
                           END) AS definition
    FROM relations
    UNION ALL
    SELECT 'column', r.name || '.' || a.attname,
           format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM parents r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    -- A dump writes casts and parentheses in another way than the statement it came from.
    SELECT 'constraint', r.name || '.' || c.conname,
           regexp_replace(pg_get_constraintdef(c.oid), '::(character varying|text)(\[\])?|[() ]', '', 'g')
    FROM parents r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT 'index', r.name || '.' || c.relname,
           regexp_replace(regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', ''), '::(character varying|text)(\[\])?|[() ]', '', 'g')
    FROM parents r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
    UNION ALL
    SELECT 'trigger', r.name || '.' || t.tgname, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
    FROM parents r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', r.name || '.' || p.polname,
           p.polcmd::text || coalesce(' USING ' || pg_get_expr(p.polqual, p.polrelid), '')
           || coalesce(' CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM parents r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'function', p.schema || '.' || f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ')',
           md5(f.prosrc) || CASE WHEN f.prosecdef THEN ' SECURITY DEFINER' ELSE '' END
    FROM pg_proc f JOIN places p ON p.oid = f.pronamespace
) AS objects
