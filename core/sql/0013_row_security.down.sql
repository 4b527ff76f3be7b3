ALTER FUNCTION nfcs_core.check_pair_v1() SECURITY INVOKER RESET search_path;

SELECT nfcs_core.unprotect_rows_v1('nfcs_core.golden_dag_audit');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.named_secrets');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.system_config_history');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.system_config');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.reality_edges');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.reality_nodes');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.reality_networks');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.quantum_entanglements');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.quantum_neuron_history');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.quantum_neurons');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.nfcs_fields');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.run_shares');
SELECT nfcs_core.unprotect_rows_v1('nfcs_core.runs');

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
    PERFORM nfcs_core.ensure_partition_v1(
        parent,
        (SELECT relname FROM pg_class WHERE oid = parent) || to_char(monday, '"_y"IYYY"w"IW'),
        monday,
        monday + interval '7 days');
END;
$$;

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
    PERFORM nfcs_core.ensure_partition_v1(
        parent,
        (SELECT relname FROM pg_class WHERE oid = parent) || to_char(first_day, '"_y"YYYY"m"MM'),
        first_day,
        first_day + interval '1 month');
END;
$$;

DROP FUNCTION nfcs_core.ensure_partition_v2(regclass, text, timestamptz, timestamptz, integer);
DROP FUNCTION nfcs_core.unprotect_rows_v1(regclass);
DROP FUNCTION nfcs_core.protect_system_rows_v1(regclass);
DROP FUNCTION nfcs_core.protect_derived_rows_v1(regclass, boolean);
DROP FUNCTION nfcs_core.protect_run_rows_v1(regclass, boolean);
DROP FUNCTION nfcs_core.protect_rows_v1(regclass, text, text, text, text);
