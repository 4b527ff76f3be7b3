DROP TRIGGER reality_edges_guard ON nfcs_core.reality_edges;
DROP FUNCTION nfcs_core.guard_edge_v1();
ALTER TABLE nfcs_core.reality_edges DROP CONSTRAINT reality_edges_lag_ck;
ALTER TABLE nfcs_core.reality_nodes DROP CONSTRAINT reality_nodes_finite_ck;
DROP TRIGGER reality_networks_guard ON nfcs_core.reality_networks;
DROP FUNCTION nfcs_core.guard_network_v1();
DROP TRIGGER system_config_history_append_only ON nfcs_core.system_config_history;
DROP TRIGGER system_config_history ON nfcs_core.system_config;
DROP FUNCTION nfcs_core.record_config_change_v1();
ALTER TABLE nfcs_core.system_config DROP CONSTRAINT system_config_known_ck;
DROP FUNCTION nfcs_core.is_known_setting_v1(text, text, jsonb);
ALTER TABLE nfcs_core.system_config DROP CONSTRAINT system_config_value_ck;
DROP TRIGGER runs_guard ON nfcs_core.runs;
DROP FUNCTION nfcs_core.guard_run_v1();
ALTER TABLE nfcs_core.runs
    DROP CONSTRAINT runs_ha_weights_ck,
    DROP CONSTRAINT runs_critical_coupling_ck,
    DROP CONSTRAINT runs_frequencies_n_ck,
    DROP CONSTRAINT runs_frequencies_ck,
    DROP CONSTRAINT runs_parameters_ck;
DROP TRIGGER update_timestamp ON nfcs_core.reality_edges;
DROP TRIGGER update_timestamp ON nfcs_core.reality_nodes;
DROP TRIGGER update_timestamp ON nfcs_core.reality_networks;
DROP TRIGGER update_timestamp ON nfcs_core.system_config;
DROP TRIGGER update_timestamp ON nfcs_core.runs;
