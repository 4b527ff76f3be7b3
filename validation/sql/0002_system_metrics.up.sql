-- The seed's table. A sample has no row number: its id is a hash of series and time, the same at every reading, and two
-- samples of one series at one time share it.
CREATE VIEW validation.system_metrics WITH (security_invoker = true) AS
SELECT hashint8extended((extract(epoch FROM sample.recorded_at) * 1000000)::bigint, sample.series_id)
           & 9223372036854775807 AS id,
       series.metric_name,
       sample.value AS metric_value,
       series.metric_unit,
       series.component,
       series.tags,
       sample.recorded_at,
       sample.run_id
FROM validation.metric_samples sample
JOIN validation.metric_series series ON series.run_id = sample.run_id AND series.id = sample.series_id;

ALTER VIEW validation.system_metrics ALTER COLUMN recorded_at SET DEFAULT statement_timestamp();

COMMENT ON VIEW validation.system_metrics IS
    'A sample beside its series, as the seed has it; can be inserted into. Always bound recorded_at.';
COMMENT ON COLUMN validation.system_metrics.id IS
    'Hash of series and time: identity of a point, not a sequence; ignored when inserted.';
COMMENT ON COLUMN validation.system_metrics.metric_name IS 'What was measured.';
COMMENT ON COLUMN validation.system_metrics.metric_value IS 'The value, in metric_unit.';
COMMENT ON COLUMN validation.system_metrics.metric_unit IS 'Unit, UCUM; null where none was given.';
COMMENT ON COLUMN validation.system_metrics.component IS 'What it was measured on.';
COMMENT ON COLUMN validation.system_metrics.tags IS 'What else tells its series from others, an object.';
COMMENT ON COLUMN validation.system_metrics.recorded_at IS 'When it was measured, UTC; now when not inserted.';
COMMENT ON COLUMN validation.system_metrics.run_id IS 'The run; the system run when not inserted.';

-- The run of rows that name none, made when the first of them comes.
CREATE FUNCTION validation.ensure_system_run_v1() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    SELECT id INTO found FROM nfcs_core.runs WHERE run_uuid = '00000000-0000-0000-0000-000000000001';
    IF found IS NULL THEN
        INSERT INTO nfcs_core.runs (run_uuid, name, kind, started_at, parameters, code_version, coupling_norm,
                                    defect_density_ref, ha_weights)
        VALUES ('00000000-0000-0000-0000-000000000001', 'system', 'live', statement_timestamp(), '{}', '', 'per_n',
                0.0036, '{0.5,0.3,0.2}')
        ON CONFLICT (run_uuid) DO NOTHING;
        SELECT id INTO found FROM nfcs_core.runs WHERE run_uuid = '00000000-0000-0000-0000-000000000001';
    END IF;
    RETURN found;
END;
$$;
COMMENT ON FUNCTION validation.ensure_system_run_v1() IS
    'The id of the run of what the system says about itself; makes it on first use.';

-- A series that a concurrent transaction makes first is waited for, not made twice.
CREATE FUNCTION validation.ensure_series_v1(
    of_run bigint, of_name text, of_component text, of_unit text, of_tags jsonb
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    FOR attempt IN 1 .. 2 LOOP
        SELECT id INTO found FROM validation.metric_series
        WHERE run_id = of_run AND metric_name = of_name AND component = of_component
          AND coalesce(metric_unit, '') = coalesce(of_unit, '') AND md5(tags::text) = md5(of_tags::text);
        EXIT WHEN found IS NOT NULL OR attempt = 2;
        INSERT INTO validation.metric_series (run_id, metric_name, component, metric_unit, tags)
        VALUES (of_run, of_name, of_component, of_unit, of_tags)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found;
END;
$$;
COMMENT ON FUNCTION validation.ensure_series_v1(bigint, text, text, text, jsonb) IS
    'The id of a series; makes it on first use.';

CREATE FUNCTION validation.insert_system_metric_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    of_series bigint;
BEGIN
    NEW.run_id := coalesce(NEW.run_id, validation.ensure_system_run_v1());
    NEW.tags := coalesce(NEW.tags, '{}');
    of_series := validation.ensure_series_v1(NEW.run_id, NEW.metric_name, NEW.component, NEW.metric_unit, NEW.tags);
    INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)
    VALUES (NEW.run_id, of_series, NEW.recorded_at, NEW.metric_value);
    NEW.id := hashint8extended((extract(epoch FROM NEW.recorded_at) * 1000000)::bigint, of_series)
              & 9223372036854775807;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION validation.insert_system_metric_v1() IS
    'INSTEAD OF INSERT trigger of system_metrics: stores the sample in its series.';

CREATE TRIGGER system_metrics_insert INSTEAD OF INSERT ON validation.system_metrics
    FOR EACH ROW EXECUTE FUNCTION validation.insert_system_metric_v1();
CREATE TRIGGER system_metrics_append_only INSTEAD OF UPDATE OR DELETE ON validation.system_metrics
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();
