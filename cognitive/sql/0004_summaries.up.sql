-- The latest analysis of each run with the means of its snapshots.
CREATE VIEW cognitive.consciousness_metrics_view WITH (security_invoker = true) AS
SELECT c.id,
       r.id AS run_id,
       r.name AS run_name,
       c.status,
       c.covered_until,
       c.n_snapshots AS snapshots,
       s.r_mean,
       s.metastability_shanahan,
       s.chimera,
       s.lzc_norm,
       s.total_correlation
FROM nfcs_core.runs r
CROSS JOIN LATERAL (
    SELECT * FROM cognitive.consciousness_records c WHERE c.run_id = r.id ORDER BY c.id DESC LIMIT 1
) c
CROSS JOIN LATERAL (
    SELECT avg(s.r_mean) AS r_mean,
           avg(s.metastability_shanahan) AS metastability_shanahan,
           avg(s.chimera) AS chimera,
           avg(s.lzc_norm) AS lzc_norm,
           avg(s.total_correlation) AS total_correlation
    FROM cognitive.consciousness_snapshots s
    WHERE s.record_id = c.id AND s.run_id = r.id AND s.ts >= r.started_at
) s;
COMMENT ON VIEW cognitive.consciousness_metrics_view IS
    'A run''s latest analysis of signal complexity with the means of its snapshots.';

-- Django leaves references out of the models of views.
COMMENT ON COLUMN cognitive.consciousness_metrics_view.run_id IS 'The run.';

-- Complexity a run and day; heavy over years of snapshots, so it is kept and refreshed.
CREATE MATERIALIZED VIEW cognitive.consciousness_daily_summary AS
SELECT s.run_id * 100000 + ((s.ts AT TIME ZONE 'UTC')::date - '1970-01-01'::date) AS id,
       s.run_id,
       (s.ts AT TIME ZONE 'UTC')::date AS day,
       count(*)::integer AS snapshots,
       avg(s.r_mean) AS r_mean,
       avg(s.metastability_shanahan) AS metastability_shanahan,
       avg(s.chimera) AS chimera,
       avg(s.lzc_norm) AS lzc_norm,
       avg(s.total_correlation) AS total_correlation
FROM cognitive.consciousness_snapshots s
GROUP BY s.run_id, (s.ts AT TIME ZONE 'UTC')::date;
COMMENT ON MATERIALIZED VIEW cognitive.consciousness_daily_summary IS
    'Signal complexity a run and UTC day; refreshed by the worker, its age stands in nfcs_core.summary_refreshes.';
-- What REFRESH ... CONCURRENTLY needs.
CREATE UNIQUE INDEX consciousness_daily_summary_uq ON cognitive.consciousness_daily_summary (id);
COMMENT ON COLUMN cognitive.consciousness_daily_summary.run_id IS 'The run.';
