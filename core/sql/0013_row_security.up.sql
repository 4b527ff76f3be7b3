-- Puts policies on a table: one a statement, and one that lets the owner of the tables see all rows, so that migrations,
-- partition moves and refreshes do. Row security binds the owner too, but for that policy: without it an owner's dump
-- fails instead of being empty. A partition gets no policies and none can be read but through its table.
CREATE FUNCTION nfcs_core.protect_rows_v1(
    relation regclass, may_read text, may_insert text, may_update text, may_delete text
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    leaf regclass;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY rows_of_owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', relation);
    EXECUTE format('CREATE POLICY rows_read ON %s FOR SELECT USING (%s)', relation, may_read);
    EXECUTE format('CREATE POLICY rows_inserted ON %s FOR INSERT WITH CHECK (%s)', relation, may_insert);
    EXECUTE format('CREATE POLICY rows_updated ON %s FOR UPDATE USING (%s) WITH CHECK (%s)',
                   relation, may_update, may_update);
    EXECUTE format('CREATE POLICY rows_deleted ON %s FOR DELETE USING (%s)', relation, may_delete);
    FOR leaf IN SELECT relid FROM pg_partition_tree(relation) WHERE relid <> relation LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', leaf);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.protect_rows_v1(regclass, text, text, text, text) IS
    'Row security for a table of who calls: a predicate for each of select, insert, update and delete.';

CREATE FUNCTION nfcs_core.protect_run_rows_v1(relation regclass, run_may_be_null boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    readable text := '(SELECT user_mgmt.sees_everything_v1()) OR run_id IN (SELECT user_mgmt.visible_runs_v1())';
    writable text := '(SELECT user_mgmt.sees_everything_v1()) OR run_id IN (SELECT user_mgmt.writable_runs_v1())';
BEGIN
    IF run_may_be_null THEN
        readable := readable || ' OR run_id IS NULL AND (SELECT user_mgmt.is_signed_in_v1())';
        writable := writable || ' OR run_id IS NULL AND (SELECT user_mgmt.may_write_v1())';
    END IF;
    PERFORM nfcs_core.protect_rows_v1(relation, readable, writable, writable, writable);
END;
$$;
COMMENT ON FUNCTION nfcs_core.protect_run_rows_v1(regclass, boolean) IS
    'Row security by run_id: read by who sees the run, written by its owner; rows of no run by whoever is signed in.';

CREATE FUNCTION nfcs_core.protect_derived_rows_v1(relation regclass, run_may_be_null boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    readable text := '(SELECT user_mgmt.sees_everything_v1()) OR run_id IN (SELECT user_mgmt.visible_runs_v1())';
    everything text := '(SELECT user_mgmt.sees_everything_v1())';
BEGIN
    IF run_may_be_null THEN
        readable := readable || ' OR run_id IS NULL AND (SELECT user_mgmt.is_signed_in_v1())';
    END IF;
    PERFORM nfcs_core.protect_rows_v1(relation, readable, everything, everything, everything);
END;
$$;
COMMENT ON FUNCTION nfcs_core.protect_derived_rows_v1(regclass, boolean) IS
    'Row security by run_id: read by who sees the run, written by the system and by operators alone.';

CREATE FUNCTION nfcs_core.protect_system_rows_v1(relation regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    everything text := '(SELECT user_mgmt.sees_everything_v1())';
BEGIN
    PERFORM nfcs_core.protect_rows_v1(
        relation, '(SELECT user_mgmt.is_signed_in_v1())', everything, everything, everything);
END;
$$;
COMMENT ON FUNCTION nfcs_core.protect_system_rows_v1(regclass) IS
    'Row security of what belongs to no run: read by whoever is signed in, written by the system and by operators.';

CREATE FUNCTION nfcs_core.unprotect_rows_v1(relation regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    policy name;
    leaf regclass;
BEGIN
    FOR policy IN SELECT polname FROM pg_policy WHERE polrelid = relation LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy, relation);
    END LOOP;
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', relation);
    FOR leaf IN SELECT relid FROM pg_partition_tree(relation) WHERE relid <> relation LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', leaf);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION nfcs_core.unprotect_rows_v1(regclass) IS 'Takes the policies of a table away, for migrations that go down.';

REVOKE EXECUTE ON FUNCTION
    nfcs_core.protect_rows_v1(regclass, text, text, text, text),
    nfcs_core.protect_run_rows_v1(regclass, boolean),
    nfcs_core.protect_derived_rows_v1(regclass, boolean),
    nfcs_core.protect_system_rows_v1(regclass),
    nfcs_core.unprotect_rows_v1(regclass)
    FROM PUBLIC;

-- A new partition is closed to everybody but through its table, as the others are.
CREATE FUNCTION nfcs_core.ensure_partition_v2(
    parent regclass, partition_name text, from_ts timestamptz, to_ts timestamptz, max_attempts integer DEFAULT 20,
    OUT made boolean, OUT moved_rows bigint
)
LANGUAGE plpgsql
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    SELECT ensured.made, ensured.moved_rows INTO made, moved_rows
    FROM nfcs_core.ensure_partition_v1(parent, partition_name, from_ts, to_ts, max_attempts) ensured;
    IF made AND (SELECT relrowsecurity FROM pg_class WHERE oid = parent) THEN
        EXECUTE (
            SELECT format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', n.nspname, partition_name)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent);
    END IF;
END;
$$;
COMMENT ON FUNCTION nfcs_core.ensure_partition_v2(regclass, text, timestamptz, timestamptz, integer) IS
    'Makes one range partition with row security as its table has it, moving rows out of DEFAULT: made, rows moved.';

-- The seed's signatures make such partitions too.
CREATE OR REPLACE FUNCTION nfcs_core.create_monthly_partition(table_name text, start_date date) RETURNS void
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
    PERFORM nfcs_core.ensure_partition_v2(
        parent,
        (SELECT relname FROM pg_class WHERE oid = parent) || to_char(first_day, '"_y"YYYY"m"MM'),
        first_day,
        first_day + interval '1 month');
END;
$$;

CREATE OR REPLACE FUNCTION nfcs_core.create_weekly_partition(table_name text, start_date date) RETURNS void
LANGUAGE plpgsql
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    parent regclass := table_name::regclass;
    monday timestamptz := date_trunc('week', start_date);
BEGIN
    IF start_date IS NULL OR NOT isfinite(start_date) OR start_date < '0001-01-01' THEN
        RAISE EXCEPTION 'a date of the common era is needed, not %', coalesce(start_date::text, 'null')
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM nfcs_core.ensure_partition_v2(
        parent,
        (SELECT relname FROM pg_class WHERE oid = parent) || to_char(monday, '"_y"IYYY"w"IW'),
        monday,
        monday + interval '7 days');
END;
$$;

-- Runs: owned, shared, or everything. By their columns, since a run that is being opened is in no list yet.
SELECT nfcs_core.protect_rows_v1(
    'nfcs_core.runs',
    $$(SELECT user_mgmt.sees_everything_v1()) OR owner_id = (SELECT user_mgmt.actor_v1())
      OR id IN (SELECT user_mgmt.shared_runs_v1())$$,
    $$(SELECT user_mgmt.sees_everything_v1())
      OR owner_id = (SELECT user_mgmt.actor_v1()) AND (SELECT user_mgmt.may_write_v1())$$,
    $$(SELECT user_mgmt.sees_everything_v1())
      OR owner_id = (SELECT user_mgmt.actor_v1()) AND (SELECT user_mgmt.may_write_v1())$$,
    $$(SELECT user_mgmt.sees_everything_v1())$$);
SELECT nfcs_core.protect_run_rows_v1('nfcs_core.run_shares');
SELECT nfcs_core.protect_run_rows_v1('nfcs_core.nfcs_fields');

-- Neurons of a run, or of none. Their history and pairs have no run: they are as visible as their neurons, whose
-- policies the sub-selects pass through.
SELECT nfcs_core.protect_run_rows_v1('nfcs_core.quantum_neurons', true);
SELECT nfcs_core.protect_rows_v1(
    'nfcs_core.quantum_neuron_history',
    $$(SELECT user_mgmt.sees_everything_v1()) OR neuron_id IN (SELECT n.id FROM nfcs_core.quantum_neurons n)$$,
    $$(SELECT user_mgmt.sees_everything_v1())
      OR neuron_id IN (
          SELECT n.id FROM nfcs_core.quantum_neurons n
          WHERE n.run_id IN (SELECT user_mgmt.writable_runs_v1())
             OR n.run_id IS NULL AND (SELECT user_mgmt.may_write_v1()))$$,
    $$(SELECT user_mgmt.sees_everything_v1())$$,
    $$(SELECT user_mgmt.sees_everything_v1())$$);
SELECT nfcs_core.protect_rows_v1(
    'nfcs_core.quantum_entanglements',
    $$(SELECT user_mgmt.sees_everything_v1())
      OR neuron_a_id IN (SELECT n.id FROM nfcs_core.quantum_neurons n)
     AND neuron_b_id IN (SELECT n.id FROM nfcs_core.quantum_neurons n)$$,
    writable, writable, writable)
FROM (VALUES ($$(SELECT user_mgmt.sees_everything_v1())
      OR neuron_a_id IN (
          SELECT n.id FROM nfcs_core.quantum_neurons n
          WHERE n.run_id IN (SELECT user_mgmt.writable_runs_v1())
             OR n.run_id IS NULL AND (SELECT user_mgmt.may_write_v1()))
     AND neuron_b_id IN (
          SELECT n.id FROM nfcs_core.quantum_neurons n
          WHERE n.run_id IN (SELECT user_mgmt.writable_runs_v1())
             OR n.run_id IS NULL AND (SELECT user_mgmt.may_write_v1()))$$)) AS pair (writable);

-- Coupling graphs and configuration are shared reference data.
SELECT nfcs_core.protect_system_rows_v1('nfcs_core.reality_networks');
SELECT nfcs_core.protect_system_rows_v1('nfcs_core.reality_nodes');
SELECT nfcs_core.protect_system_rows_v1('nfcs_core.reality_edges');
SELECT nfcs_core.protect_system_rows_v1('nfcs_core.system_config');
SELECT nfcs_core.protect_system_rows_v1('nfcs_core.system_config_history');

SELECT nfcs_core.protect_rows_v1('nfcs_core.named_secrets', administers, administers, administers, administers)
FROM (VALUES ('(SELECT user_mgmt.administers_v1())')) AS predicate (administers);

-- The audit is written by SECURITY DEFINER functions alone.
SELECT nfcs_core.protect_rows_v1(
    'nfcs_core.golden_dag_audit', '(SELECT user_mgmt.sees_everything_v1())', 'false', 'false', 'false');

-- Whether a pair and its histories agree is asked at commit, whoever acts by then.
ALTER FUNCTION nfcs_core.check_pair_v1() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
