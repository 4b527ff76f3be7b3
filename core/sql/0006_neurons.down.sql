DROP TABLE nfcs_core.quantum_neuron_history;
DROP TABLE nfcs_core.quantum_state_transitions;
