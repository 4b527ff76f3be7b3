-- Networks as they stand. The runs of a network that go on are few; of each only the newest state of the last 31 days is
-- looked up, at the end of the primary key of the latest partitions.
CREATE VIEW kuramoto.reality_status_view WITH (security_invoker = true) AS
SELECT network.id,
       network.name,
       network.status,
       network.directed,
       network.n_nodes,
       network.n_layers,
       edges.n_edges,
       CASE WHEN network.n_nodes > 1 THEN
           (CASE WHEN network.directed THEN 1 ELSE 2 END) * edges.n_edges
           / (network.n_nodes::double precision * (network.n_nodes - 1))
       END AS density,
       runs.ongoing_runs,
       neurons.n_neurons,
       latest.run_id AS latest_run_id,
       latest.last_telemetry_at
FROM nfcs_core.reality_networks network
CROSS JOIN LATERAL (SELECT count(*) AS n_edges FROM nfcs_core.reality_edges WHERE network_id = network.id) edges
CROSS JOIN LATERAL (
    SELECT count(*) AS ongoing_runs FROM nfcs_core.runs WHERE network_id = network.id AND ended_at IS NULL
) runs
CROSS JOIN LATERAL (SELECT count(*) AS n_neurons FROM nfcs_core.quantum_neurons WHERE network_id = network.id) neurons
LEFT JOIN LATERAL (
    SELECT run.id AS run_id, state."timestamp" AS last_telemetry_at
    FROM nfcs_core.runs run
    CROSS JOIN LATERAL (
        SELECT oscillators."timestamp"
        FROM kuramoto.kuramoto_oscillators oscillators
        WHERE oscillators.run_id = run.id
          AND oscillators."timestamp" >= statement_timestamp() - interval '31 days'
        ORDER BY oscillators."timestamp" DESC
        LIMIT 1
    ) state
    WHERE run.network_id = network.id AND run.ended_at IS NULL
    ORDER BY state."timestamp" DESC
    LIMIT 1
) latest ON true;

COMMENT ON VIEW kuramoto.reality_status_view IS
    'A coupling graph as it stands: its size, its neurons, and the runs that go on on it.';
COMMENT ON COLUMN kuramoto.reality_status_view.id IS 'Id of the network.';
COMMENT ON COLUMN kuramoto.reality_status_view.name IS 'What people call it.';
COMMENT ON COLUMN kuramoto.reality_status_view.status IS 'active, dormant, collapsed or merged.';
COMMENT ON COLUMN kuramoto.reality_status_view.directed IS 'Whether an edge couples one way only.';
COMMENT ON COLUMN kuramoto.reality_status_view.n_nodes IS 'Number of vertices.';
COMMENT ON COLUMN kuramoto.reality_status_view.n_layers IS 'Number of layers.';
COMMENT ON COLUMN kuramoto.reality_status_view.n_edges IS 'Number of edges; an undirected one counts once.';
COMMENT ON COLUMN kuramoto.reality_status_view.density IS
    'Share of the possible edges that are there, 0 to 1; null for a single vertex.';
COMMENT ON COLUMN kuramoto.reality_status_view.ongoing_runs IS 'Runs on it that have not ended.';
COMMENT ON COLUMN kuramoto.reality_status_view.n_neurons IS 'Neurons in it.';
COMMENT ON COLUMN kuramoto.reality_status_view.latest_run_id IS
    'The ongoing run whose oscillator state is the newest of the last 31 days; null where there is none.';
COMMENT ON COLUMN kuramoto.reality_status_view.last_telemetry_at IS
    'When that state was observed, UTC; null where there is none.';
