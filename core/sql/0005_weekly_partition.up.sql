-- The monthly one's twin for ISO weeks, which begin on Monday; the year in the name is the ISO year, so that the week of
-- 2024-12-31 is y2025w01.
CREATE FUNCTION nfcs_core.create_weekly_partition(table_name text, start_date date) RETURNS void
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
COMMENT ON FUNCTION nfcs_core.create_weekly_partition(text, date) IS
    'Makes the partition of the UTC ISO week that holds start_date, unless it is there; safe beside writers.';
