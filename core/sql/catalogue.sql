-- What core/db/catalogue.py reads, with an empty search_path, so that every name inside a definition is qualified.
-- Objects that belong to an extension are left out. A partition's indexes and constraints stand under the names of
-- those of its parent, and its own name is left out of their definitions: partitions of one parent compare equal.
-- NOT NULL is a property of the column; that PostgreSQL 18 names it is left out.

-- name: list_schemas
SELECT n.nspname::text AS name,
       pg_get_userbyid(n.nspowner)::text AS owner,
       obj_description(n.oid, 'pg_namespace') AS comment,
       g.grants
FROM pg_namespace n
CROSS JOIN LATERAL (
    SELECT array_agg(format('%%s=%%s', grantee, privileges) ORDER BY grantee) AS grants
    FROM (
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS grantee,
               string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' (grantable)' ELSE '' END, ', '
                          ORDER BY a.privilege_type) AS privileges
        FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE a.grantee <> n.nspowner GROUP BY 1) acl) g
WHERE n.nspname = ANY (%(schemas)s) AND n.nspname <> 'public'
ORDER BY 1

-- name: list_extensions
SELECT extname::text AS name, extnamespace::regnamespace::text AS schema
FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1

-- name: list_types
SELECT format('%%I.%%I', n.nspname, t.typname) AS name,
       CASE t.typtype
           WHEN 'e' THEN (
               SELECT 'enum (' || string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) || ')'
               FROM pg_enum WHERE enumtypid = t.oid)
           WHEN 'd' THEN concat_ws(
               ' ', 'domain of', format_type(t.typbasetype, t.typtypmod), 'default ' || t.typdefault,
               CASE WHEN t.typnotnull THEN 'not null' END,
               (SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY conname) FROM pg_constraint
                WHERE contypid = t.oid AND contype = 'c'))
           ELSE (
               SELECT '(' || string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) || ')'
               FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped)
       END AS definition,
       obj_description(t.oid, 'pg_type') AS comment
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE n.nspname = ANY (%(schemas)s) AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY 1

-- name: list_functions
SELECT format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
       pg_get_userbyid(p.proowner)::text AS owner,
       obj_description(p.oid, 'pg_proc') AS comment,
       pg_get_functiondef(p.oid) AS definition,
       g.grants
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (
    SELECT array_agg(format('%%s=%%s', grantee, privileges) ORDER BY grantee) AS grants
    FROM (
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS grantee,
               string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' (grantable)' ELSE '' END, ', '
                          ORDER BY a.privilege_type) AS privileges
        FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE a.grantee <> p.proowner GROUP BY 1) acl) g
WHERE n.nspname = ANY (%(schemas)s) AND p.prokind <> 'a'
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1

-- name: list_sequences
SELECT format('%%I.%%I', n.nspname, c.relname) AS name,
       pg_get_userbyid(c.relowner)::text AS owner,
       obj_description(c.oid, 'pg_class') AS comment,
       format('%%s start %%s increment %%s from %%s to %%s cache %%s%%s', format_type(s.seqtypid, NULL), s.seqstart,
              s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END) AS definition,
       (SELECT d.refobjid::regclass::text || '.' || a.attname
        FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')) AS owned_by,
       g.grants
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(format('%%s=%%s', grantee, privileges) ORDER BY grantee) AS grants
    FROM (
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS grantee,
               string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' (grantable)' ELSE '' END, ', '
                          ORDER BY a.privilege_type) AS privileges
        FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner GROUP BY 1) acl) g
WHERE n.nspname = ANY (%(schemas)s)
ORDER BY 1

-- name: list_relations
SELECT format('%%I.%%I', n.nspname, c.relname) AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END AS kind,
       pg_get_userbyid(c.relowner)::text AS owner,
       obj_description(c.oid, 'pg_class') AS comment,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
       array_to_string(c.reloptions, ', ') AS options,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
       pg_get_partkeydef(c.oid) AS partition_key,
       (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition)
           AS partition_of,
       pg_get_expr(c.relpartbound, c.oid) AS bound,
       CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'on' END AS row_security,
       g.grants
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(format('%%s=%%s', grantee, privileges) ORDER BY grantee) AS grants
    FROM (
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS grantee,
               string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' (grantable)' ELSE '' END, ', '
                          ORDER BY a.privilege_type) AS privileges
        FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner GROUP BY 1) acl) g
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1

-- name: list_columns
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default",
       CASE a.attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END || pg_get_expr(d.adbin, d.adrelid)
           AS generated,
       -- From PostgreSQL 17 on a partition shares the identity of its parent.
       CASE WHEN NOT c.relispartition THEN CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END END
           AS identity,
       CASE WHEN a.attstorage <> t.typstorage THEN
           CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END END
           AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS collation,
       nullif(a.attstattarget, -1) AS statistics_target,
       col_description(c.oid, a.attnum) AS comment,
       g.grants
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
CROSS JOIN LATERAL (
    SELECT array_agg(format('%%s=%%s', grantee, privileges) ORDER BY grantee) AS grants
    FROM (
        SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END AS grantee,
               string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN ' (grantable)' ELSE '' END, ', '
                          ORDER BY x.privilege_type) AS privileges
        FROM aclexplode(a.attacl) x WHERE x.grantee <> c.relowner GROUP BY 1) acl) g
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum

-- name: list_constraints
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       coalesce(parent.conname, con.conname)::text AS name,
       pg_get_constraintdef(con.oid) AS definition,
       (SELECT true FROM pg_trigger t WHERE t.tgconstraint = con.oid AND t.tgenabled = 'D' LIMIT 1) AS disabled,
       obj_description(con.oid, 'pg_constraint') AS comment
FROM pg_constraint con
JOIN pg_class c ON c.oid = con.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint parent ON parent.oid = con.conparentid
WHERE n.nspname = ANY (%(schemas)s) AND con.contype IN ('c', 'f', 'p', 'u', 'x')
  -- A key that points at a partitioned table is there once more for each of that table's partitions.
  AND parent.conrelid IS DISTINCT FROM con.conrelid
ORDER BY 1, 2

-- name: list_indexes
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       coalesce(parent.relname, x.relname)::text AS name,
       CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || substr(def, strpos(def, ' USING ') + 1) AS definition,
       (NOT i.indisvalid OR NOT i.indisready) AS invalid,
       obj_description(x.oid, 'pg_class') AS comment
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_get_indexdef(x.oid) AS def
LEFT JOIN pg_inherits h ON h.inhrelid = x.oid
LEFT JOIN pg_class parent ON parent.oid = h.inhparent
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind <> 't'
ORDER BY 1, 2

-- name: list_triggers
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       t.tgname::text AS name,
       replace(pg_get_triggerdef(t.oid), format(' ON %%I.%%I ', n.nspname, c.relname), ' ON this table ') AS definition,
       CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always' END AS firing,
       obj_description(t.oid, 'pg_trigger') AS comment
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND NOT t.tgisinternal
ORDER BY 1, 2

-- name: list_policies
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       p.polname::text AS name,
       concat_ws(
           ' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
           CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
               ELSE 'all' END,
           'to ' || (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END, ', ' ORDER BY 1)
                     FROM unnest(p.polroles) r),
           'using ' || pg_get_expr(p.polqual, p.polrelid),
           'with check ' || pg_get_expr(p.polwithcheck, p.polrelid)) AS definition,
       obj_description(p.oid, 'pg_policy') AS comment
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s)
ORDER BY 1, 2

-- name: list_statistics
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       s.stxname::text AS name,
       pg_get_statisticsobjdef(s.oid) AS definition,
       obj_description(s.oid, 'pg_statistic_ext') AS comment
FROM pg_statistic_ext s
JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
-- Those of a partition are copies.
WHERE n.nspname = ANY (%(schemas)s) AND NOT c.relispartition
ORDER BY 1, 2

-- name: list_rules
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       r.rulename::text AS name,
       pg_get_ruledef(r.oid) AS definition,
       CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always' END AS firing
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND r.rulename <> '_RETURN'
ORDER BY 1, 2
