"""Errors of the domain. The docstring of a class is its message where none is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field.

    Attributes:
        field: dotted path of the field; in a batch with the index of the row in front, such as `3.phases`.
        detail: what is wrong, for people.
        code: what is wrong, for programs.
    """

    field: str
    detail: str
    code: str = "invalid"


class DomainError(Exception):
    """The request cannot be carried out."""

    code = "refused"

    def __init__(self, detail: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors = list(errors)
        super().__init__(self.detail)


class InvalidInput(DomainError):
    """The request holds values that are not allowed."""

    code = "invalid"

    @classmethod
    def of(cls, field: str, detail: str, code: str = "invalid") -> InvalidInput:
        """The error of a single field."""
        return cls(errors=[FieldError(field, detail, code)])


class NotFound(DomainError):
    """There is no such thing."""

    code = "not_found"


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class Unprocessable(DomainError):
    """The request contradicts an earlier one."""

    code = "unprocessable"


class InvalidTransition(Conflict):
    """The event does not lead on from the state that the neuron is in."""

    code = "invalid_transition"

    @classmethod
    def of(cls, neuron_id: int, state: str, event: str) -> InvalidTransition:
        """The refusal of one event of one neuron."""
        return cls(
            f"Neuron {neuron_id} is {state}, and {event} leads nowhere it may go from there.",
            [
                FieldError("from", f"The neuron is {state}.", state),
                FieldError("event", f"{event} leads nowhere it may go from there.", event),
            ],
        )


class ConstraintViolation(InvalidInput):
    """The database refused the row."""


CONSTRAINT_FIELDS: dict[str, tuple[str, str]] = {}
"""By constraint name: the field to blame and what to say; every app adds its own."""


def register_constraints(constraints: Mapping[str, tuple[str, str]]) -> None:
    """Say in words what a constraint asks for, so that its violation arrives as an error of a field."""
    CONSTRAINT_FIELDS.update(constraints)


register_constraints(
    {
        "runs_definition_fixed": (
            "run",
            "What defines a run (kind, seed, start, oscillators, weights) is fixed.",
        ),
        "run_shares_run_group_uq": ("group", "The run is shared with this group already."),
        "runs_kind_ck": ("kind", "The kind is none of simulation, live, import."),
        "runs_coupling_norm_ck": ("coupling_norm", "The norm is none of per_n, per_degree, raw."),
        "runs_times_ck": ("ended_at", "A run does not end before it starts."),
        "runs_frequencies_n_ck": ("natural_frequencies", "One natural frequency per oscillator is needed."),
        "runs_frequencies_ck": ("natural_frequencies", "Natural frequencies are finite numbers."),
        "runs_ha_weights_ck": ("ha_weights", "Three weights from 0 to 1 that sum to 1 are needed."),
        "runs_parameters_ck": ("parameters", "An object is needed."),
        "runs_critical_coupling_ck": ("critical_coupling", "A finite number of at least 0 is needed."),
        "runs_n_oscillators_ck": ("n_oscillators", "Between 1 and 65536 oscillators are possible."),
        "runs_defect_density_ref_ck": ("defect_density_ref", "A finite number above 0 is needed."),
        "system_config_value_ck": ("config_value", "The value is not of the type that config_type names."),
        "system_config_known_ck": (
            "config_value",
            "What reads this key cannot use the value: it has another type, range or order.",
        ),
        "system_config_type_ck": ("config_type", "The type is none of integer, float, string, boolean, array, object."),
        "system_config_key_env_uq": ("config_key", "The key has a value in this environment already."),
        "reality_networks_name_key": ("name", "There is a network of this name."),
        "reality_networks_n_nodes_ck": ("n_nodes", "A network has a vertex or more."),
        "reality_networks_n_layers_ck": ("n_layers", "A network has a layer or more."),
        "reality_networks_status_ck": ("status", "The status is none of active, dormant, collapsed, merged."),
        "reality_networks_status_terminal": ("status", "A merged or collapsed network stays so."),
        "reality_networks_target_ck": ("target", "A merged network names its target, any other names none."),
        "reality_edges_inside": ("src", "Both ends of an edge are vertices of its own network."),
        "reality_edges_no_loop_ck": ("dst", "A vertex is not coupled to itself."),
        "reality_edges_ends_uq": ("dst", "The edge is there already."),
        "reality_edges_weight_ck": ("weight", "A finite number of at least 0 is needed."),
        "reality_edges_delay_ck": ("delay_s", "A finite number of at least 0 is needed."),
        "reality_edges_lag_ck": ("lag_rad", "A lag lies between -pi and pi."),
        "reality_nodes_index_ck": ("node_index", "Layer and index count from 0."),
        "reality_nodes_finite_ck": ("x", "Position and natural frequency are finite numbers."),
        "reality_nodes_place_uq": ("node_index", "The place in the layer is taken."),
        "named_secrets_name_key": ("name", "There is a secret of this name."),
        "named_secrets_name_ck": ("name", "A name begins with a-z and holds a-z, 0-9, '.', '_' and '-'."),
        "named_secrets_value_ck": ("value", "A sealed value is needed: a secret never stands in clear."),
        "idempotency_keys_uq": ("Idempotency-Key", "A request with this key is being carried out."),
        "idempotency_keys_status_ck": ("status", "Only what was carried out is remembered."),
        "golden_dag_audit_action_ck": ("action", "There is no such action."),
        "golden_dag_audit_payload_ck": ("payload_sha256", "The SHA-256 of the payload is needed."),
        "audit_lanes_lane_ck": ("lane", "There are the lanes 0 to 7."),
        "audit_lanes_head_ck": ("head", "A SHA-256 has 32 octets."),
        "audit_links_sha256_ck": ("link_sha256", "A SHA-256 has 32 octets."),
        "audit_checkpoints_sha256_ck": ("sha256", "The SHA-256 of the document is needed."),
        "audit_checkpoints_follow": ("number", "A checkpoint follows the last one and names it."),
        "audited_never_truncated": ("table", "An audited table is never truncated."),
        "golden_dag_audit_event": ("event", "A name, and details of at most 65536 octets, are needed."),
        "nfcs_fields_field_data_ck": ("field_data", "An object is needed."),
        "nfcs_fields_ndim_ck": ("ndim", "A field has 1 or 2 dimensions."),
        "nfcs_fields_resolution_ck": ("resolution", "Between 2 and 4096 points per side are possible."),
        "nfcs_fields_frame_encoding_ck": (
            "frame",
            "A plain frame has 8 bytes for each point of the grid, an encoded one a head that says its frame_encoding.",
        ),
        "nfcs_fields_frame_sha256_ck": ("frame_sha256", "A frame comes with its own SHA-256, and only a frame does."),
        "nfcs_fields_coherence_ck": ("coherence_level", "A number from 0 to 1 is needed."),
        "nfcs_fields_energy_ck": ("energy_state", "A finite number of at least 0 is needed."),
        "nfcs_fields_mean_abs_ck": ("mean_abs", "A finite number of at least 0 is needed."),
        "nfcs_fields_gradient_ck": ("gradient_energy", "A finite number of at least 0 is needed."),
        "nfcs_fields_quartic_ck": ("quartic_energy", "A finite number of at least 0 is needed."),
        "nfcs_fields_defects_ck": ("defect_count", "Finite numbers of at least 0 are needed."),
        "nfcs_fields_ha_ck": ("ha", "A number from 0 to 10 is needed."),
        "nfcs_fields_ha_parts_ck": ("ha", "Ha has a version and a component from 0 to 1, or none of them is there."),
    }
)
register_constraints(
    {
        "quantum_neurons_name_ck": ("name", "A name is needed."),
        "quantum_neurons_type_ck": (
            "neuron_type",
            "The type is none of input, hidden, output, memory, attention, recurrent.",
        ),
        "quantum_neurons_layer_ck": ("layer_index", "Layers count from 0."),
        "quantum_neurons_node_ck": ("network", "A neuron at a vertex names its network."),
        "quantum_neurons_node_inside": ("node", "The vertex belongs to another network."),
        "quantum_neurons_run_fixed": ("run", "A neuron stays in its run."),
        "quantum_neurons_bloch_ck": ("bloch", "A vector of length 1 at most is needed."),
        "quantum_neurons_sweep_ck": ("sweep_rate", "An open sweep has a bias and a rate other than 0."),
        "quantum_neurons_tunneling_ck": ("sweep_rate", "A sweep is open exactly while the neuron is tunneling."),
        "quantum_neurons_state_ck": ("state", "There is no such state."),
        "quantum_neurons_omega_ck": ("omega", "A finite number is needed."),
        "quantum_neurons_t1_ck": ("t1_s", "A finite number above 0 is needed."),
        "quantum_neurons_t2_ck": ("t2_s", "A number above 0 and at most twice t1_s is needed."),
        "quantum_neurons_p_eq_ck": ("p_eq", "A number from 0 to 1 is needed."),
        "quantum_neurons_delta_ck": ("delta", "A finite number of at least 0 is needed."),
        "quantum_neurons_kappa_ck": ("kappa", "A finite number is needed."),
        "quantum_neurons_threshold_ck": ("v_th_mv", "A finite number above v_rest_mv is needed."),
        "quantum_neurons_v_mv_ck": ("v_mv", "A finite number is needed."),
        "quantum_neurons_tau_m_ck": ("tau_m_ms", "A finite number above 0 is needed."),
        "quantum_neurons_r_mohm_ck": ("r_mohm", "A finite number above 0 is needed."),
        "quantum_neurons_refractory_ck": ("refractory_ms", "A finite number of at least 0 is needed."),
        "quantum_neurons_spike_rate_ck": ("spike_rate_hz", "A finite number of at least 0 is needed."),
        "quantum_neurons_outcome_ck": ("last_outcome", "A measurement, and nothing else, has the outcome 0 or 1."),
        "quantum_neurons_parameters_ck": ("last_parameters", "An object is needed."),
        "quantum_neurons_event_named": (
            "last_event",
            "What changes state or calibration names its event and counts event_seq up by one.",
        ),
        "quantum_neurons_time_order": ("last_event_at", "An event is not earlier than the one before it."),
        "quantum_neurons_measurements": ("measurement_count", "It counts the measurements and never goes down."),
        "quantum_neurons_calibration": (
            "last_event",
            "A calibration, and nothing else, changes the calibration alone.",
        ),
        "quantum_neurons_relax": ("coherence_l1", "Coherence does not grow while a neuron relaxes."),
        "quantum_neurons_partner": (
            "last_partner",
            "An event that changes both of a pair, and no other, names the partner.",
        ),
        "quantum_neurons_transition": ("last_event", "The event does not lead from this state to that one."),
        "quantum_neurons_both_or_neither": ("last_partner", "Both of a pair change, or neither."),
        "quantum_entanglements_order_ck": ("neuron_a", "The neuron with the lower id stands first."),
        "quantum_entanglements_concurrence_ck": ("concurrence", "A number from 0 to 1 is needed."),
        "quantum_entanglements_vector_ck": ("state_vector", "Four complex128 are needed, 64 octets."),
        "quantum_entanglements_one_each": ("neuron_a", "A neuron is entangled with one other at most."),
        "quantum_entanglements_append_only": ("concurrence", "A pair does not change; it is made and ended."),
        "quantum_state_transitions_uq": ("event", "The transition is there already."),
        "quantum_neuron_history_seq_ck": ("seq", "Events count from 1."),
        "quantum_neuron_history_c_ck": ("c_after", "Coherence lies from 0 to 1."),
        "quantum_neuron_history_bloch_ck": ("bloch_after", "Three finite numbers are needed."),
        "quantum_neuron_history_outcome_ck": ("outcome", "A measurement, and nothing else, has the outcome 0 or 1."),
        "quantum_neuron_history_parameters_ck": ("parameters", "An object is needed."),
        "quantum_neuron_history_append_only": ("event", "The history of a neuron does not change."),
    }
)
