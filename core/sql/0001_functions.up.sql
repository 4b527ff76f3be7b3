-- Trigger function: the row was changed, and says when.
CREATE FUNCTION nfcs_core.update_timestamp_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.update_timestamp_v1() IS 'BEFORE UPDATE trigger: sets updated_at.';

-- Trigger function: rows of this table are never changed. On a partitioned table the trigger fires with the name of the
-- leaf; its argument is then the name of the table.
CREATE FUNCTION nfcs_core.refuse_change_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are append-only', TG_OP, coalesce(TG_ARGV[0], TG_TABLE_NAME)
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = coalesce(TG_ARGV[0], TG_TABLE_NAME) || '_append_only',
              TABLE = coalesce(TG_ARGV[0], TG_TABLE_NAME);
END;
$$;
COMMENT ON FUNCTION nfcs_core.refuse_change_v1() IS 'Trigger: refuses the statement; for append-only tables.';

-- The user on whose behalf the transaction runs, or null.
CREATE FUNCTION nfcs_core.current_actor_v1() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('nfcs.user_id', true), '')::integer
$$;
COMMENT ON FUNCTION nfcs_core.current_actor_v1() IS 'The user set for this transaction in nfcs.user_id, or null.';

-- Arrays hold no NaN, no infinity and no null. PostgreSQL takes NaN = NaN for true.
CREATE FUNCTION nfcs_core.is_finite_v1(numbers double precision[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(numbers, NULL) IS NULL
       AND NOT 'NaN'::float8 = ANY (numbers)
       AND NOT 'Infinity'::float8 = ANY (numbers)
       AND NOT '-Infinity'::float8 = ANY (numbers)
$$;
COMMENT ON FUNCTION nfcs_core.is_finite_v1(double precision[]) IS
    'Whether an array holds finite numbers only; null for a null array.';
