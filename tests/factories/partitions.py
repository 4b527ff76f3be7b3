"""Rows of every partitioned table on a connection of a test's choice, with values that are easily lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connections

from core.models import Run

MONTH = ("2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z")
MONTH_BEFORE = ("2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z")
WEEK = ("2024-05-13T00:00:00Z", "2024-05-20T00:00:00Z")
PARTITIONS = {
    "nfcs_fields": "nfcs_fields_y2024m05",
    "kuramoto_oscillators": "kuramoto_oscillators_y2024m05",
    "metric_samples": "metric_samples_y2024m05",
    "metric_days": "metric_days_y2024m04",
    "golden_dag_audit": "golden_dag_audit_y2024m05",
    "consciousness_snapshots": "consciousness_snapshots_y2024m05",
    "quantum_neuron_history": "quantum_neuron_history_y2024w20",
}
"""By table, the partition of the rows that `fill_tables` makes."""

ROWS = """
INSERT INTO nfcs_core.nfcs_fields (run_id, timestamp, field_data, frame, frame_sha256, resolution, energy_state, ha,
                                   ha_version, ha_defect)
SELECT r.id, '2024-05-15 12:00:00.000001+00'::timestamptz + i * interval '3 hours 0.000007 seconds',
       jsonb_build_object('name', E'quote " comma , newline \\n tab \\t ü', 'n', 1e-7 * i, 'none', NULL),
       CASE WHEN i % 3 <> 0 THEN decode(repeat(lpad(to_hex(i), 2, '0'), 32), 'hex') END,
       CASE WHEN i % 3 <> 0 THEN sha256(decode(repeat(lpad(to_hex(i), 2, '0'), 32), 'hex')) END,
       2, CASE WHEN i % 4 = 0 THEN '-0.0' ELSE 1e-300 END::float8,
       CASE WHEN i % 2 = 0 THEN 2.5 END, CASE WHEN i % 2 = 0 THEN 1 END, CASE WHEN i % 2 = 0 THEN 0.5 END
FROM nfcs_core.runs r, generate_series(0, 40) i WHERE r.name = 'archived';
INSERT INTO kuramoto.kuramoto_oscillators (run_id, timestamp, phases, sync_parameter, mean_phase, coupling_strength,
                                           semantic_embedding, prediction_horizons)
SELECT r.id, '2024-05-15 12:00+00'::timestamptz + i * interval '1 second',
       ARRAY[0.1 * i, -0.0, 1e-308, 3.141592653589793]::float8[], 0.5, 0,
       CASE WHEN i % 2 = 0 THEN 0.1 + i END,
       CASE WHEN i % 2 = 0 THEN array_fill((0.1 * (i + 1))::float4, '{768}')::public.vector END,
       CASE WHEN i % 5 = 0 THEN '{"1": 0.25}'::jsonb END
FROM nfcs_core.runs r, generate_series(0, 20) i WHERE r.name = 'archived';
INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)
SELECT r.id, 1 + i % 3, '2024-05-15+00'::timestamptz + i * interval '1.000003 seconds',
       CASE WHEN i % 7 = 0 THEN '-0.0' WHEN i % 7 = 1 THEN 'NaN' ELSE sin(i) END::float8
FROM nfcs_core.runs r, generate_series(1, 400) i WHERE r.name = 'archived' AND i % 7 <> 1;
INSERT INTO validation.metric_days (run_id, series_id, day, n, times, samples)
SELECT r.id, i, '2024-04-15+00', 3, '{2024-04-15+00, 2024-04-15 12:00:00.000001+00, 2024-04-15 23:59:59.999999+00}',
       ARRAY['-0.0'::float8, 0.1 * i, 1e-308]
FROM nfcs_core.runs r, generate_series(1, 8) i WHERE r.name = 'archived';
INSERT INTO nfcs_core.golden_dag_audit (ts, database_role, action, table_name, row_key, payload, payload_sha256)
SELECT '2024-05-16+00'::timestamptz + i * interval '1 minute', 'nfcs_app', 'create', 'nfcs_core.runs', i::text,
       convert_to('{"i": ' || i || '}', 'UTF8'), sha256(convert_to('{"i": ' || i || '}', 'UTF8'))
FROM generate_series(1, 12) i;
INSERT INTO cognitive.consciousness_records (run_id, window_s, step_s, communities, channels, seed, method_versions,
                                             status, message, n_snapshots)
SELECT id, 4, 1, '{0, 1}', '{0, 1}', 7, '{}', 'running', '', 0 FROM nfcs_core.runs WHERE name = 'archived';
INSERT INTO cognitive.consciousness_snapshots (ts, run_id, record_id, r_mean, r_std, metastability_shanahan, chimera,
                                               lzc_norm, n_samples)
SELECT '2024-05-17+00'::timestamptz + i * interval '1 second', c.run_id, c.id, 0.1, 0.2, 0.1 + i,
       CASE WHEN i % 2 = 0 THEN 0.3 END, 0.4, 5
FROM cognitive.consciousness_records c, generate_series(1, 9) i;
INSERT INTO nfcs_core.quantum_neurons (name, neuron_type, layer_index, bloch_x, bloch_y, bloch_z, state, omega, t1_s,
    t2_s, p_eq, delta, kappa, v_rest_mv, v_th_mv, tau_m_ms, r_mohm, refractory_ms, v_mv, spike_rate_hz,
    measurement_count, event_seq, last_event, last_event_at, last_parameters)
VALUES ('archived', 'hidden', 0, 0, 0, 1, 'collapsed', 0, 3, 2, 0, 0, 0, -70, -55, 20, 1, 0, -70, 0, 0, 1, 'prepare',
        '2024-05-15 12:00:00.000009+00', '{}');
INSERT INTO nfcs_core.quantum_neuron_history (neuron_id, ts, seq, event, from_state, to_state, database_role, c_before,
    c_after, bloch_before, bloch_after, outcome, parameters)
SELECT n.id, '2024-05-16+00'::timestamptz + i * interval '1 minute', 1 + i, 'measure', 'collapsed', 'collapsed',
       'nfcs_app', 0, 0, ARRAY[0, -0.0, 1]::float8[], ARRAY[0, 0, -1], i % 2, '{"seed": 5}'
FROM nfcs_core.quantum_neurons n, generate_series(1, 6) i WHERE n.name = 'archived';
"""


def fill_tables(alias: str) -> None:
    """Make the partitions of May 2024 and rows every one of them."""
    with connections[alias].cursor() as cursor:
        for table, name in PARTITIONS.items():
            # What is compacted and what is not are different samples.
            span = {"quantum_neuron_history": WEEK, "metric_days": MONTH_BEFORE}.get(table, MONTH)
            cursor.execute("SELECT nfcs_core.ensure_partition_v2(%s::regclass, %s, %s, %s)", [table, name, *span])
        started_at = datetime(2024, 5, 1, tzinfo=UTC)
        Run.objects.using(alias).create(name="archived", kind="simulation", started_at=started_at, n_oscillators=4)
        cursor.execute(ROWS)
