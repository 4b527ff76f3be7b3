DROP TRIGGER quantum_entanglements_check ON nfcs_core.quantum_entanglements;
DROP TRIGGER neuron_pair_check ON nfcs_core.quantum_neurons;
DROP FUNCTION nfcs_core.check_pair_v1();
DROP TRIGGER quantum_entanglements_fixed ON nfcs_core.quantum_entanglements;
DROP TRIGGER quantum_entanglements_guard ON nfcs_core.quantum_entanglements;
DROP FUNCTION nfcs_core.guard_entanglement_v1();
DROP TRIGGER neuron_history_trigger_update ON nfcs_core.quantum_neurons;
DROP TRIGGER neuron_history_trigger_insert ON nfcs_core.quantum_neurons;
DROP FUNCTION nfcs_core.record_neuron_event_v1();
DROP TRIGGER neuron_state_trigger ON nfcs_core.quantum_neurons;
DROP FUNCTION nfcs_core.derive_neuron_state_v1();
DROP TRIGGER neuron_guard ON nfcs_core.quantum_neurons;
DROP FUNCTION nfcs_core.guard_neuron_v1();
DROP FUNCTION nfcs_core.label_neuron_v1(
    text, double precision, double precision, double precision, double precision, double precision, double precision);
DROP FUNCTION nfcs_core.coherence_l1_v1(double precision, double precision);
ALTER TABLE nfcs_core.quantum_entanglements DROP CONSTRAINT quantum_entanglements_vector_ck;
ALTER TABLE nfcs_core.quantum_neurons DROP CONSTRAINT quantum_neurons_parameters_ck;
DROP TRIGGER update_timestamp ON nfcs_core.quantum_neurons;
